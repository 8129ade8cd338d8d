"""Calls of functions that other people wrote, in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from steps.sandbox import Limits, Ran, run_python

_CALLER = Path(__file__).with_name("caller.py")
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


def call_functions(library: Mapping[str, str], calls: Sequence[Call], limits: Limits, most_chars: int = 2000) -> list[Called]:
    """Call functions of a library (file: source), one after the other in one process; what came of each.

    A call that ends the process, or takes it over a limit, takes those after it along: they say so.
    """
    asked = [{"file": file, "name": name, "arguments": arguments, "most": most_chars} for file, name, arguments in calls]
    roomy = limits.model_copy(update={"output_chars": max(limits.output_chars, 12 * most_chars * len(calls) + 1000)})
    files = {f"library/{name}": source for name, source in library.items()}
    ran = run_python(_CALLER.read_text("utf-8"), limits=roomy, files=files, stdin=json.dumps(asked, default=str))
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
