"""Where rows begin: at a source, or anew at a step that takes all rows and returns those that go on."""

from __future__ import annotations

import hashlib
import logging
import shutil
from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from flows.engine.codec import decode, encode
from flows.engine.desk import OF_ANY_ROWS
from flows.engine.items import KEY_BYTES
from flows.engine.ledger import SegmentWriter, records_in
from flows.engine.outcome import explain, step_error
from flows.engine.returned import checked, returned
from flows.engine.shelf import ShelvesRows
from steps.base import BaseStep, Batch, GeneratorStep, GlobalStep, Row, rename_in, rename_out

RECORDS_PER_FRAME = 200
KEPT_AS = ".all"

log = logging.getLogger(__name__)


@contextmanager
def naming(step: BaseStep) -> Iterator[None]:
    """Say which step broke: others may work in the same stage.

    Raises:
        RunError: It did.
    """
    try:
        yield
    except Exception as error:
        raise step_error(str(step.name), error) from error


class Origin(ABC):
    """Rows that begin, in the names the pipeline uses; `taken` and `reused` of what they are made of, so far."""

    def __init__(self, step: GeneratorStep | GlobalStep) -> None:
        self._step = step
        self._begun: Generator[Row] | None = None
        self.taken = 0
        self.reused = 0

    @abstractmethod
    def _begin(self) -> Generator[Row]:
        """All rows, in order."""

    def close(self) -> None:
        """Take no more: a generator that holds a file or a connection open lets go of it."""
        try:
            if self._begun is not None:
                self._begun.close()
        except Exception as error:  # all its rows are made
            log.warning("step %r did not end well: %s", self._step.name, explain(error).message)

    def take(self, count: int) -> Batch:
        """The next rows; fewer than `count` when these are the last.

        Raises:
            RunError: The step broke. It names the step: others may work in the same stage.
        """
        with naming(self._step):
            self._begun = self._begun or self._begin()
            # copied one by one: a source may yield the same dict again, with other content
            return self._named([row.copy() if type(row) is dict else row for row in islice(self._begun, count)])

    def _named(self, rows: list[Any]) -> Batch:
        checked(self._step, rows)
        if self._step.input_mappings or self._step.output_mappings:
            return [rename_out(row, {}, self._step) for row in rows]
        return rows


class SourceRows(Origin):
    """The rows of a source, which begins again up to so many `rounds`. Of some rows only (`max_rows`) it does not."""

    def __init__(self, step: GeneratorStep, max_rows: int | None, rounds: int = 1) -> None:
        super().__init__(step)
        self._step: GeneratorStep
        self._max_rows = max_rows
        self._rounds = rounds if max_rows is None else 1

    def _begin(self) -> Generator[Row]:
        for number in range(self._rounds):
            rows = iter(returned(self._step, self._step.generate_again(number) if number else self._step.generate()))
            some = islice(rows, self._max_rows)
            try:
                for first in some:
                    yield first
                    break
                else:  # no rows: there is nothing to begin again with
                    return
                yield from some
            finally:
                if isinstance(rows, Generator):
                    rows.close()

    def take(self, count: int) -> Batch:
        rows = super().take(count)
        self.taken += len(rows)
        return rows


class AllRows(Origin):
    """What a step makes of all rows. The same rows through the same step are read from the ledger, not made again."""

    def __init__(self, step: GlobalStep, shelves: Sequence[Path], folder: Path, artifacts: Path) -> None:
        super().__init__(step)
        self._step: GlobalStep
        self._rows = ShelvesRows(shelves)
        self._folder = folder
        self._artifacts = artifacts

    def _begin(self) -> Generator[Row]:
        digest = self._digest()
        kept = self._folder / f"{digest}{KEPT_AS}"
        self._forget_others(digest)
        self._step.keep_artifacts_in(self._artifacts / digest)
        self.taken = len(self._rows)
        if kept.exists():
            self.reused = self.taken
        else:
            self._make(kept)
        for record in records_in(kept):
            yield from decode(record)

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for body in self._rows.bodies():
            digest.update(len(body).to_bytes(8, "little") + body)
        return digest.hexdigest()

    def _forget_others(self, digest: str) -> None:
        """Drop the artifacts of other rows than these, and what was made of those rows first: both are made anew together."""
        for path in self._artifacts.glob("*"):
            if path.name not in (digest, OF_ANY_ROWS):
                (self._folder / f"{path.name}{KEPT_AS}").unlink(missing_ok=True)
                shutil.rmtree(path)

    def _make(self, kept: Path) -> None:
        """Make all rows before the first one leaves: another time they might be others, or in another order."""
        part = kept.with_suffix(".part")
        part.unlink(missing_ok=True)
        rows_in = MappedRows(self._rows, self._step.input_mappings)
        writer, made = SegmentWriter(part), iter(returned(self._step, self._step.process(rows_in)))
        while rows := self._named([row.copy() if type(row) is dict else row for row in islice(made, RECORDS_PER_FRAME)]):
            writer.append([b"\0" * KEY_BYTES] * len(rows), list(map(encode, rows)), [1] * len(rows))
        writer.close()
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()  # there may be no row
        part.replace(kept)


class MappedRows(Collection[dict[str, Any]]):
    """All rows under the names that a step uses for their columns."""

    def __init__(self, rows: Collection[Row], mappings: dict[str, str]) -> None:
        self._rows = rows
        self._mappings = mappings

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: object) -> bool:
        return any(row == mine for mine in self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (rename_in(row, self._mappings) for row in self._rows) if self._mappings else iter(self._rows)
