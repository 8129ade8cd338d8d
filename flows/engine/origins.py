"""Where rows begin: at a source, or anew at a step that takes all rows and returns those that go on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from flows.engine.codec import decode, encode
from flows.engine.ledger import Record, SegmentWriter, records_in
from flows.engine.outcome import explain
from flows.engine.shelf import ShelfRows
from steps.base import GeneratorStep, GlobalStep, Row, rename_in, rename_out
from steps.errors import RunError

RECORDS_PER_FRAME = 200


class SourceRows:
    """The rows of a source, in the names the pipeline uses."""

    def __init__(self, step: GeneratorStep, max_rows: int | None) -> None:
        self._step = step
        self._max_rows = max_rows
        self.taken = 0
        self.reused = 0

    def __iter__(self) -> Iterator[Row]:
        with _naming(self._step):
            for row in islice(self._step.generate(), self._max_rows):
                self.taken += 1
                yield _named(self._step, row, {})


class AllRows:
    """What a step makes of all rows. The same rows through the same step are read from the ledger, not made again."""

    def __init__(self, step: GlobalStep, shelf: Path, folder: Path) -> None:
        self._step = step
        self._rows = ShelfRows(shelf)
        self._folder = folder
        self.taken = 0
        self.reused = 0

    def __iter__(self) -> Iterator[Row]:
        kept = self._folder / f"{self._digest()}.all"
        self.taken = len(self._rows)
        if kept.exists():
            self.reused = self.taken
            for record in records_in(kept):
                yield from decode(record)
        else:
            with _naming(self._step):
                yield from self._fresh(kept)

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for body in self._rows.bodies():
            digest.update(len(body).to_bytes(8, "little") + body)
        return digest.hexdigest()

    def _fresh(self, kept: Path) -> Iterator[Row]:
        part = kept.with_suffix(".part")
        part.unlink(missing_ok=True)
        writer, waiting = SegmentWriter(part), []
        mapped = MappedRows(self._rows, self._step.input_mappings)
        for row in self._step.process(mapped):
            named = _named(self._step, row, {})
            waiting.append(Record(b"\0" * 16, [encode(named)]))
            if len(waiting) == RECORDS_PER_FRAME:
                writer.append(waiting)
                waiting = []
            yield named
        if waiting:
            writer.append(waiting)
        writer.close()
        if part.exists():
            part.replace(kept)


class MappedRows(Collection[dict[str, Any]]):
    """All rows under the names that a step uses for their columns."""

    def __init__(self, rows: ShelfRows, mappings: dict[str, str]) -> None:
        self._rows = rows
        self._mappings = mappings

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: object) -> bool:
        return any(row == mine for mine in self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (rename_in(row, self._mappings) for row in self._rows) if self._mappings else iter(self._rows)


Origin = SourceRows | AllRows


@contextmanager
def _naming(step: GeneratorStep | GlobalStep) -> Iterator[None]:
    """Say which step it was that broke: others may work in the same stage.

    Raises:
        RunError: Instead of whatever the step raised.
    """
    try:
        yield
    except Exception as error:
        said = explain(error)
        fix = said.fix if said is error else "correct it, then `distilflow resume` the run: what is finished is kept"
        raise RunError(f"step {step.name!r}: {said.message}", fix) from error


def _named(step: GeneratorStep | GlobalStep, row: Any, received: Row) -> Row:
    if not isinstance(row, dict):
        raise TypeError(f"{type(step).__name__} made {type(row).__name__} where a row (dict) belongs")
    if step.input_mappings or step.output_mappings:
        return rename_out(row, received, step)
    return row
