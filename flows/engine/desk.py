"""What a worker knows about the run it works for: where the run lies, and what was finished before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.index import Index, segments
from flows.engine.ledger import SegmentWriter, step_folder
from flows.engine.live import NEWEST, LiveRows
from flows.engine.options import RunOptions
from steps.artifacts import ARTIFACTS

OF_ANY_ROWS = "any"
"""Where artifacts lie that do not go with all rows that a step takes at once."""

KnownFailures = Mapping[str, frozenset[bytes]]
"""Keys of the rows in quarantine, by step key: they are not tried again until `retry`."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a stage needs to know about the run it works for."""

    folder: Path
    writer: str
    known_failures: KnownFailures
    retried: Mapping[str, Mapping[bytes, int]] = field(default_factory=dict)
    """How often rows whose reply was no good are tried again, by step and row."""
    options: RunOptions = field(default_factory=RunOptions)
    newest: int = NEWEST
    """Rows of each step that people who watch can see."""

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def finished(self, step: str, step_key: str) -> Index:
        """What earlier sessions of this run, and the runs it may reuse, made in this step."""
        roots = (self.folder, *self.options.reuse)
        return Index(segments(step_folder(root / "ledger", step, step_key) for root in roots))

    def artifacts(self, step: str, step_key: str) -> Path:
        """Where the artifacts of a step lie: in a folder for each set of rows that it takes at once, or `OF_ANY_ROWS`."""
        return step_folder(self.folder / ARTIFACTS, step, step_key)

    def live_rows(self) -> LiveRows:
        return LiveRows(self.folder, self.writer, self.newest)

    def segment(self, step: str, step_key: str) -> SegmentWriter:
        return SegmentWriter(step_folder(self.ledger, step, step_key) / f"{self.writer}.seg")
