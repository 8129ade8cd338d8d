"""What the ledger of a run holds of a row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from xxhash import xxh3_128_digest

from flows.engine.codec import decode
from flows.engine.index import segments
from flows.engine.journal import JOURNAL
from flows.engine.ledger import step_folder
from flows.engine.lookup import records_at, records_of, table_of
from flows.lineage.path import Visit
from flows.runs import RunFolder, RunReport

SESSION = re.compile(r"(?P<session>(?P<began>[0-9a-f]{14,17})-\d+)")
"""Names of segments begin with the time of their session, in hexadecimal nanoseconds."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a step made of one row: all rows, and by whom."""

    rows: list[dict[str, Any]]
    reused_from: str


class Records:
    """Reads what a run, and the runs whose work it took over, recorded."""

    def __init__(self, run: RunFolder, report: RunReport) -> None:
        self._run = run
        self._report = report
        self.roots = [run.path, *report.options.reuse]

    def of(self, visit: Visit) -> Record | None:
        """What a step made of the row that it took; None where nothing was recorded."""
        if visit.key is None and visit.taken is None:
            return None
        folders = self.folders(visit.step)
        if visit.begins and (whole := self._among_all(folders, visit)) is not None:
            return whole
        key = visit.key if visit.begins else visit.taken
        assert key is not None
        found = next(records_of(segments(folders), key), None)
        return Record(decode(found.rows), self._maker(found.place.path)) if found is not None else None

    def folders(self, step: str) -> list[Path]:
        """Where the work of a step lies, as it was in this run."""
        if (key := self._report.step_keys.get(step)) is None:
            return []
        return [folder for root in self.roots if (folder := step_folder(root / "ledger", step, key)).is_dir()]

    def journals(self) -> list[Path]:
        """The files that hold the replies of this run, and of those whose rows or replies it took over."""
        given = (path if path.is_dir() else path.parent for path in self._report.options.journals)
        return segments(dict.fromkeys([*(root / JOURNAL for root in self.roots), *given, self._run.path / "journals"]))

    def _among_all(self, folders: list[Path], visit: Visit) -> Record | None:
        """A row that a step made of all rows: its position says where it lies, its key that it is the right one."""
        files = sorted(chain.from_iterable(folder.glob("*.all") for folder in folders), key=_age)
        for path in files:
            table, position = table_of(path), int(visit.id)
            if position >= len(table):
                continue
            for found in records_at(table, [position]):
                if len(files) == 1 or xxh3_128_digest(found.rows[1:-1]) == visit.key:
                    return Record(decode(found.rows), self._maker(str(path)))
        return None

    def _maker(self, path: str) -> str:
        folder = Path(path)
        if not folder.is_relative_to(self._run.path.absolute()):
            return f"run {folder.parents[2].name}"
        named = SESSION.match(folder.name)
        is_earlier = named is not None and int(named["began"], 16) / 1e9 < self._report.started_at
        return "an earlier session" if is_earlier else ""


def session_of(path: Path) -> str:
    """The session in which a file was written: sorts as they followed each other."""
    named = SESSION.match(path.name)
    return named["session"].rjust(40) if named else ""


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
