"""Where rows begin: at a source, or anew at a step that takes all rows and returns those that go on."""

from __future__ import annotations

import hashlib
import logging
import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from flows.engine.accepted import AcceptedRows
from flows.engine.codec import decode, encode
from flows.engine.desk import OF_ANY_ROWS
from flows.engine.items import KEY_BYTES, ContentKeys
from flows.engine.ledger import SegmentWriter, records_in
from flows.engine.outcome import Failure, explain, failure_of, step_error
from flows.engine.returned import checked, returned
from flows.engine.shelf import ShelvesRows
from steps.base import BaseStep, Batch, GeneratorStep, GlobalStep, Row, rename_out

RECORDS_PER_FRAME = 200
KEPT_AS, REFUSED_AS = ".all", ".refused"
"""Files of what was made of all rows, and of the rows among them that were refused; the name before is a hash of the rows."""

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

    def refused(self) -> Iterator[Failure]:
        """The rows that what begins here is made without, from the first one on. To be asked for before any are taken.

        Raises:
            RunError: The step broke.
        """
        return iter(())

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
    """What a step makes of all rows. The same rows through the same step are read from the ledger, not made again.

    Rows that it refuses are kept beside what it made of the others: both are told again by whoever goes on with the run.
    """

    def __init__(self, step: GlobalStep, step_key: str, shelves: Sequence[Path], folder: Path, artifacts: Path) -> None:
        super().__init__(step)
        self._step: GlobalStep
        self._step_key = step_key
        self._rows = ShelvesRows(shelves)
        self._folder = folder
        self._artifacts = artifacts
        self._kept: Path | None = None
        self._is_reused = False

    def refused(self) -> Iterator[Failure]:
        with naming(self._step):
            path = self._made().with_suffix(REFUSED_AS)
        if path.exists():  # written by an earlier release, what it made has none beside it
            with path.open("rb") as file:
                for line in file:
                    yield Failure(**decode(line))

    def _begin(self) -> Generator[Row]:
        kept = self._made()
        self.taken = len(self._rows)
        self.reused = self.taken if self._is_reused else 0
        for record in records_in(kept):
            yield from decode(record)

    def _made(self) -> Path:
        """Where that lies which was made of these rows, now or earlier."""
        if self._kept is None:
            digest = self._digest()
            kept = self._folder / f"{digest}{KEPT_AS}"
            self._forget_others(digest)
            self._step.keep_artifacts_in(self._artifacts / digest)
            self._is_reused = kept.exists()
            if not self._is_reused:
                self._make(kept)
            self._kept = kept
        return self._kept

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
        part.parent.mkdir(parents=True, exist_ok=True)
        rows_in = self._accepted(kept.with_suffix(REFUSED_AS))
        writer, made = SegmentWriter(part), iter(returned(self._step, self._step.process(rows_in)))
        while rows := self._named([row.copy() if type(row) is dict else row for row in islice(made, RECORDS_PER_FRAME)]):
            writer.append([b"\0" * KEY_BYTES] * len(rows), list(map(encode, rows)), [1] * len(rows))
        writer.close()
        part.touch()  # there may be no row
        part.replace(kept)

    def _accepted(self, refused: Path) -> AcceptedRows:
        """The rows that the step takes; the others are written down."""
        keys = ContentKeys()
        with refused.open("wb") as file:

            def refuse(number: int, row: Row, error: BaseException) -> None:
                [key] = keys.keys([encode(row)])
                failure = failure_of(error, str(self._step.name), self._step_key, str(number), key, row)
                file.write(failure.to_json() + b"\n")

            return AcceptedRows(self._step, self._rows, refuse)
