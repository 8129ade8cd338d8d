"""Calls of functions that other people wrote, in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from steps.sandbox import Limit, Limits, Ran, limit_told, run_python

_CALLER = Path(__file__).with_name("caller.py")
_MOST_SILENCE_S = 10.0
"""How much longer than its limit a row may take until the sandbox counts as stuck."""
_HITS = {
    "cpu": "computed for more than {cpu_s} s",
    "time": "took more than {wall_s:g} s",
    "memory": "took more than {memory_mb} MB of memory",
    "files": "wrote more than {files_mb} MB",
    "processes": "started more than {processes} processes",
    "output": "printed more than {files_mb} MB",
}


class Call(NamedTuple):
    file: str
    """The file of the library in which the function is defined."""
    name: str
    arguments: Mapping[str, Any]


class Called(NamedTuple):
    is_ok: bool
    said: str
    """The value as text, or what went wrong."""


class _Row(BaseModel):
    """What the caller says of a row."""

    report: str
    printed: str
    status: int
    limit: Limit | None


def call_rows(
    library: Mapping[str, str], rows: Sequence[Sequence[Call]], limits: Limits, most_chars: int = 2000
) -> list[list[Called]]:
    """Call functions of a library (file: source); what came of each. The limits are those of a row.

    The calls of a row are made one after the other in one process: one that ends it, or takes it over a limit, takes those
    after it along. They say so. No row finds what another one did: rows share a sandbox in which each has its own process.
    Where a sandbox ends before its time, the row that it was at is called in one of its own.
    """
    made: list[list[Called]] = [[] for _ in rows]
    left = [number for number, calls in enumerate(rows) if calls]
    is_shared = True
    while left:
        if is_shared and len(left) > 1:
            together = _together(library, [rows[number] for number in left], limits, most_chars)
            is_shared = bool(together)  # if not, the system cannot tell rows apart, or the first one ended all
            for number, calls in zip(left, together, strict=False):
                made[number] = calls
            left = left[len(together) :]
        if left:
            made[left[0]] = _alone(library, rows[left[0]], limits, most_chars)
            left = left[1:]
    return made


def _together(
    library: Mapping[str, str], rows: Sequence[Sequence[Call]], limits: Limits, most_chars: int
) -> list[list[Called]]:
    """What came of the rows, up to the one that ended the sandbox."""
    roomy = limits.model_copy(
        update={
            "cpu_s": limits.cpu_s + len(rows),  # of the caller
            "wall_s": (limits.wall_s + _MOST_SILENCE_S) * (len(rows) + 1),
            "processes": limits.processes + 1,  # the caller
        }
    )
    ran = _run(library, rows, limits, roomy, most_chars, limits.wall_s + _MOST_SILENCE_S)
    made: list[list[Called]] = []
    for line in filter(None, ran.stdout.splitlines()):  # an empty one is a sign of life
        try:
            row = _Row.model_validate_json(line)
        except ValueError:
            break
        limit = row.limit or limit_told(row.status, row.printed)
        ended = Ran(row.status, row.report, row.printed, limit, 0.0, ran.unguarded)
        made.append(_made(ended, rows[len(made)], limits))
        if len(made) == len(rows):
            break
    return made


def _alone(library: Mapping[str, str], calls: Sequence[Call], limits: Limits, most_chars: int) -> list[Called]:
    needed = {name: library[name] for name in dict.fromkeys(call.file for call in calls)}
    return _made(_run(needed, [calls], limits, limits, most_chars), calls, limits)


def _run(
    library: Mapping[str, str],
    rows: Sequence[Sequence[Call]],
    of_row: Limits,
    of_all: Limits,
    most_chars: int,
    quiet_s: float = float("inf"),
) -> Ran:
    job = {
        "rows": [
            {
                "files": list(dict.fromkeys(call.file for call in calls)),
                "calls": json.dumps(list(map(_asked, calls)), default=str),
            }
            for calls in rows
        ],
        "most_chars": most_chars,
        "most_bytes": of_row.files_mb << 20,
        **of_row.model_dump(include={"cpu_s", "wall_s"}),
    }
    uncut = of_all.model_copy(update={"output_chars": (of_all.files_mb + 1) << 20})
    files = {f"library/{name}": source for name, source in library.items()}
    return run_python(_CALLER.read_text("utf-8"), limits=uncut, files=files, stdin=json.dumps(job), quiet_s=quiet_s)


def _asked(call: Call) -> dict[str, Any]:
    return {"file": call.file, "name": call.name, "arguments": call.arguments}


def _made(ran: Ran, calls: Sequence[Call], limits: Limits) -> list[Called]:
    made = [Called(**said) for said in _said(ran.stdout)][: len(calls)]
    if len(made) < len(calls):
        made += [Called(False, _why(ran, limits))]
    return made + [Called(False, "not called: the call before it ended the process")] * (len(calls) - len(made))


def _said(text: str) -> list[dict[str, Any]]:
    """The lines that were said in full."""
    found = []
    for line in text.splitlines(keepends=True):
        try:
            one = json.loads(line)
        except ValueError:
            break
        if not (isinstance(one, dict) and isinstance(one.get("is_ok"), bool) and isinstance(one.get("said"), str)):
            break
        found.append({"is_ok": one["is_ok"], "said": one["said"].encode("utf-8", "replace").decode()})  # no half an emoji
    return found


def _why(ran: Ran, limits: Limits) -> str:
    if ran.limit:
        return f"ended: the call {_HITS[ran.limit].format(**limits.model_dump())}"
    how = f"signal {-ran.status}" if ran.status < 0 else f"exit status {ran.status}"
    return f"ended: the call ended the process ({how})"
