"""What a step asked, and what it was told: newest first, page by page, also while the run goes on."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flows.engine.codec import decode
from flows.engine.index import segments
from flows.engine.journal import JOURNAL, ROW_BYTES, TAG_BYTES, entry_in, step_tag
from flows.engine.lookup import Found, records_at, records_of, table_of
from flows.engine.quarantine import lines_in
from flows.lineage.model import Asked
from flows.lineage.records import Records, session_of
from flows.lineage.replies import ask_again, asked_of, is_repair
from flows.plan import PlannedStep, examine
from flows.runs import RunFolder
from steps.errors import RunError
from steps.tasks.asking import AskingStep

PAGE = 20
QUARANTINE_BYTES = 4 * 2**20
"""So much of the end of the quarantine is looked through for replies that were refused."""


class AskedPage(BaseModel):
    """Some of the requests of a step. Pages count from 1; one that does not exist is the nearest that does."""

    step: str
    total: int
    page: int
    pages: int
    items: list[Asked]
    is_made_again: bool = False
    """Whether these are rehearsals or recordings, which were asked once more for this look."""


def asked(run: RunFolder, step: str, page: int = 1, size: int = PAGE) -> AskedPage:
    """The requests that a step of a run sent, in all sessions, newest first.

    Raises:
        RunError: The run has no such step, or it asks no model.
    """
    spec = run.spec()
    planned = examine(spec)[0].steps.get(step)
    if planned is None:
        raise RunError(f"run {run.run_id!r} has no step {step!r}", f"steps: {', '.join(spec.names())}")
    if planned.asks is None:
        raise RunError(f"step {step!r} asks no model", "look at one that does")
    if planned.asks.is_free:
        return _made_again(run, planned, planned.asks, page, size)
    files = segments([run.path / JOURNAL])
    total = sum(len(table_of(path).numbers(step_tag(step))) for path in files)
    page, pages = _within(page, total, size)
    entries = list(islice(_newest(files, step, (page - 1) * size), size))
    refused = _refused(run, step)
    items = []
    for found, entry in entries:
        one = asked_of(entry)
        one.is_repair = is_repair(one.chat)
        one.problem = _problem(one, found, files) or refused.get((one.row, one.texts[-1] if one.texts else ""), "")
        items.append(one)
    return AskedPage(step=step, total=total, page=page, pages=pages, items=items)


def _within(page: int, total: int, size: int) -> tuple[int, int]:
    pages = max(1, -(-total // size))
    return min(max(1, page), pages), pages


Read = tuple[Found, dict[str, Any]]


def _newest(files: Sequence[Path], step: str, skip: int) -> Iterator[Read]:
    """The entries of a step, newest first, without the first `skip`. Sessions follow each other; their writers do not."""
    sessions: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        sessions[session_of(path)].append(path)
    for session in sorted(sessions, reverse=True):
        numbers = {path: table_of(path).numbers(step_tag(step))[::-1] for path in sessions[session]}
        held = sum(map(len, numbers.values()))
        if skip >= held:
            skip -= held
            continue
        if len(numbers) == 1:  # others have to be read to be put in order
            [(path, own)] = numbers.items()
            yield from _entries(path, own[skip:], step)
        else:
            each = (_entries(path, own, step) for path, own in numbers.items())
            yield from islice(heapq.merge(*each, key=lambda read: -(read[1].get("at") or 0.0)), skip, None)
        skip = 0


def _entries(path: Path, numbers: Sequence[int], step: str) -> Iterator[Read]:
    for found in records_at(table_of(path), numbers):
        entry = entry_in(found.rows[1:-1])
        if entry is not None and entry["step"] == step:
            yield found, entry


def _problem(one: Asked, found: Found, files: Sequence[Path]) -> str:
    """What the model was told to be wrong with its reply, if it was asked to correct it."""
    if not one.texts:
        return "the model said nothing"
    if not isinstance(one.chat, list):
        return ""
    length = len(one.chat)
    for other in records_of(files, found.key[: TAG_BYTES + ROW_BYTES]):
        chat = decode(other.rows)[0].get("chat")
        if isinstance(chat, list) and len(chat) == length + 2 and chat[:length] == one.chat and is_repair(chat):
            said = str(chat[-2].get("content"))
            if any(text.strip().startswith(said.removesuffix(" ...").strip()) for text in one.texts):
                return str(chat[-1].get("content")).partition("\n")[0]
    return ""


def _refused(run: RunFolder, step: str) -> dict[tuple[str, str], str]:
    """Why rows of a step went to the quarantine, by row and reply."""
    return {
        (str(line.get("id")), str(line["reply"])): str(line.get("message", ""))
        for line in lines_in(run.quarantine, most=QUARANTINE_BYTES)
        if line["step"] == step and line.get("reply") is not None
    }


def _made_again(run: RunFolder, planned: PlannedStep, task: AskingStep, page: int, size: int) -> AskedPage:
    """What rehearsals and recordings answered: no journal holds it, so the newest rows of the step are asked once more."""
    report = run.report()
    files = sorted(segments(Records(run, report).folders(planned.name)), key=session_of, reverse=True)
    tables = [table_of(path) for path in files]
    total = sum(map(len, tables))
    page, pages = _within(page, total, size)
    places = ((table, number) for table in tables for number in reversed(range(len(table))))
    cwd = Path(report.cwd) if report.cwd else None
    items = []
    for table, number in islice(places, (page - 1) * size, page * size):
        for found in records_at(table, [number]):
            rows = decode(found.rows)
            if rows:
                received = {name: value for name, value in rows[0].items() if planned.made_by.get(name) != planned.name}
                items += ask_again(task, planned.name, found.key, received, rows, cwd)
    return AskedPage(step=planned.name, total=total, page=page, pages=pages, items=items, is_made_again=True)
