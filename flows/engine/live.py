"""The newest rows of each step, for people who watch: one small file per step, replaced at most twice a second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from flows.engine.codec import decode, encode
from steps.base import Row
from steps.errors import RowError

NEWEST = 20
INTERVAL_S = 0.5
MOST_BYTES = 4 * 2**20
"""Of the newest rows of a step, unless a single one has more."""


class LiveRows:
    """Keeps the newest rows of some steps on disk while a stage works."""

    def __init__(self, folder: Path, writer: str, newest: int = NEWEST) -> None:
        self._folder = folder / "live"
        self._writer = writer
        self._newest = newest
        self._rows: dict[str, list[bytes | Row]] = {}
        self._unwritten: set[str] = set()
        self._due = 0.0

    def show(self, step: str, rows: Sequence[bytes | Row]) -> None:
        """Rows that a step made, as JSON or as they are."""
        if rows:
            newest = list(rows[-self._newest :])
            self._unwritten.add(step)
            missing = self._newest - len(newest)
            self._rows[step] = [*self._rows.get(step, [])[-missing:], *newest] if missing else newest

    def flush_if_due(self) -> None:
        if self._unwritten and time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write now. A full disk, or a row that cannot be written, is not reported here: the ledger will."""
        for step in self._unwritten:
            with contextlib.suppress(OSError, RowError):
                self._folder.mkdir(parents=True, exist_ok=True)
                part = self._folder / f"{step}.{self._writer}.part"
                part.write_bytes(b"[" + b",".join(_newest_that_fit(self._rows[step])) + b"]")
                part.replace(self._folder / f"{step}.json")
        self._unwritten.clear()
        self._due = time.monotonic() + INTERVAL_S


def _newest_that_fit(rows: Sequence[bytes | Row]) -> list[bytes]:
    """Of rows with images only the last ones: the file is written anew all the time."""
    fitting: list[bytes] = []
    left = MOST_BYTES
    for row in reversed(rows):
        body = _json(row)
        left -= len(body)
        if left < 0 and fitting:
            break
        fitting.append(body)
    return fitting[::-1]


def _json(row: bytes | Row) -> bytes:
    return row if isinstance(row, bytes) else encode(row)


def newest_rows(folder: Path, step: str) -> list[dict[str, object]]:
    """The newest rows that a step made, oldest first; empty before it made any. What cannot be read is left out."""
    with contextlib.suppress(OSError, ValueError):
        rows = decode((folder / "live" / f"{step}.json").read_bytes())
        if isinstance(rows, list):
            return [row for row in rows if isinstance(row, dict)]
    return []
