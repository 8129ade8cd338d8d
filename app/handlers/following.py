"""The stream of what happens in a run, for a page that shows it live."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from app.handlers.launching import spec_of
from app.handlers.watching import ENDED, LIVE_CHARS, first_columns, rows_of, told_of
from flows.plan import examine
from flows.runs import RunFolder, UnreadableRun

INTERVAL_S = 0.05
ROWS_S = 0.25
"""The newest rows are not sent more often than this: nobody reads faster."""
REPORT_S = 1.0
PING_S = 15.0
POINTS = 120

EventData = dict[str, Any]
"""An event as it stands in `events.jsonl`."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the stream. `offset` says where in the events a reader goes on after it."""

    kind: str
    data: Any
    offset: int | None = None


async def follow(
    run: RunFolder, start: int = 0, step: str | None = None, *, interval_s: float = INTERVAL_S
) -> AsyncGenerator[Message, None]:
    """What happens in a run from byte `start` of its events on, and the newest rows of one step, until it ends.

    Of where steps stand, only the last word of each interval is told, and only of steps that have moved since. A run that
    cannot be read ends as failed, and says why.
    """
    rows = await asyncio.to_thread(_Rows.of, run, step)
    news = _News()
    offset, is_first, last_state = start, True, ""
    asked = said = 0.0
    while True:
        now = time.monotonic()
        if now - said > PING_S:  # keeps proxies from closing a stream in which nothing happens
            if said:
                yield Message("ping", None)
            said = now
        lines: list[bytes] = []
        if is_first or _size(run) > offset:
            lines, offset = await asyncio.to_thread(run.event_lines, offset)
            if events := news.of(thinned(lines) if is_first else lines, keep_all=is_first):
                yield Message("events", events, offset)
            is_first = False
        if rows is not None and (found := await rows.newer(now)) is not None:
            yield Message("rows", found)
        if not lines and now - asked > min(REPORT_S, 20 * interval_s):
            asked = now
            report = await asyncio.to_thread(told_of, run)
            if report.state != last_state:
                last_state = report.state
                yield Message("state", report.model_dump(mode="json"))
            if report.state in ENDED and not await asyncio.to_thread(_has_more, run, offset):
                if rows is not None and (found := await rows.newer()) is not None:
                    yield Message("rows", found)
                yield Message("end", report.model_dump(mode="json"), offset)
                return
        await asyncio.sleep(interval_s)


class _News:
    """Of many events, what one reader does not know yet."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def of(self, lines: Sequence[bytes], *, keep_all: bool = False) -> list[EventData]:
        events = []
        for line in lines:
            with suppress(orjson.JSONDecodeError):  # a line torn by a crash
                event = orjson.loads(line)
                if isinstance(event, dict) and isinstance(event.get("steps", {}), dict):
                    events.append(event)
        last = max((at for at, event in enumerate(events) if event.get("type") == "progress"), default=-1)
        found = []
        for at, event in enumerate(events):
            if event.get("type") != "progress":
                found.append(event)
            elif keep_all or at == last:
                steps = event.get("steps", {})
                moved = {name: step for name, step in steps.items() if keep_all or self._known.get(name) != step}
                self._known.update(moved)
                if moved:
                    found.append({**event, "steps": moved})
        return found


class _Rows:
    """The newest rows of one step, when there are new ones."""

    def __init__(self, run: RunFolder, step: str, first: Sequence[str]) -> None:
        self._run, self._step, self._first = run, step, first
        self._stamp: tuple[int, ...] = ()
        self._told = 0.0

    @classmethod
    def of(cls, run: RunFolder, step: str | None) -> _Rows | None:
        spec = spec_of(run)
        if step is None or spec is None or step not in spec.names():
            return None
        return cls(run, step, first_columns(examine(spec)[0], step))

    async def newer(self, now: float | None = None) -> dict[str, Any] | None:
        """Rows that were not told yet; not so soon after the last ones, unless it is the end."""
        if now is not None and now - self._told < ROWS_S:
            return None
        try:
            status = await asyncio.to_thread(self._status)
        except (OSError, UnreadableRun):
            return None
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self._stamp:
            return None
        self._stamp, self._told = stamp, now or 0.0
        return await asyncio.to_thread(rows_of, self._run, self._step, self._first, LIVE_CHARS)

    def _status(self) -> os.stat_result:
        return (self._run.maker_of(self._step).path / "live" / f"{self._step}.json").stat()


def thinned(lines: Sequence[bytes]) -> list[bytes]:
    """Events for a reader who comes late: of the many snapshots of progress, enough to draw a line, and the last."""
    snapshots = [at for at, line in enumerate(lines) if b'"type":"progress"' in line[:80]]
    every = max(1, len(snapshots) // POINTS)
    kept = {at for number, at in enumerate(reversed(snapshots)) if number % every == 0}
    dropped = set(snapshots) - kept
    return [line for at, line in enumerate(lines) if at not in dropped]


def _has_more(run: RunFolder, offset: int) -> bool:
    """Whether whole lines follow this place: of a torn one nobody writes the end."""
    return bool(run.event_lines(offset)[0])


def _size(run: RunFolder) -> int:
    try:
        return run.events.stat().st_size
    except OSError:
        return 0
