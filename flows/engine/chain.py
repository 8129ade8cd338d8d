"""Cheap steps at work: rows go from step to step in one worker; what each step made is recorded on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from flows.engine.codec import decode, encode, is_plain
from flows.engine.desk import Desk
from flows.engine.items import ContentKeys, Item, child_key
from flows.engine.ledger import Place, SegmentReader, step_folder
from flows.engine.origins import AllRows, Origin, SourceRows
from flows.engine.outcome import Collected, Outcome, failure_of
from flows.engine.stages import Stage, may_multiply
from flows.plan import PlannedStep
from steps.base import Batch, GeneratorStep, GlobalStep, JoinStep, Row, Step, rename_in, rename_out, require
from steps.errors import RunError


@dataclass(slots=True)
class _Entry:
    """A row inside the chain. Its content is `row`, or lies unread in the ledger at number `at` of `place`."""

    origin: str
    id: str
    key: bytes
    row: Row | None = None
    body: bytes | None = None
    place: Place | None = None
    at: int = 0


class Link:
    """One step in a chain, with its part of the ledger."""

    def __init__(self, planned: PlannedStep, step_key: str, desk: Desk, *, begins: bool, is_kept: bool) -> None:
        self.step: Any = planned.step
        self.name = planned.name
        self.step_key = step_key
        self.multiplies = may_multiply(planned)
        self.batch_rows: int = getattr(planned.step, "input_batch_size", 50)
        self.failed = desk.known_failures.get(step_key, frozenset())
        self.finished = None if begins else desk.finished(planned.name, step_key)
        self.has_history = bool(self.failed or self.finished)
        self.segment = desk.segment(planned.name, step_key) if is_kept else None

    def child(self, item_id: str, key: bytes, at: int) -> tuple[str, bytes]:
        """Id and key of the `at`-th row made of a row."""
        return (f"{item_id}.{at}", child_key(key, at)) if self.multiplies else (item_id, key)


class Chain:
    """The steps of a stage that asks no model. One per worker."""

    def __init__(self, stage: Stage, desk: Desk, *, skip: int = 0, shelf: Path | None = None) -> None:
        self.stage = stage
        self.desk = desk
        self.live = desk.live_rows()
        self.links = [
            Link(planned, key, desk, begins=begins, is_kept=not begins or (stage.is_collected and len(stage.steps) == 1))
            for planned, key in zip(stage.steps, stage.keys, strict=True)
            for begins in [isinstance(planned.step, (GeneratorStep, GlobalStep))]
        ]
        self._reader = SegmentReader()
        self._made = skip
        self._skip = skip
        self._keys = ContentKeys()
        self._split: tuple[Place, list[bytes]] | None = None
        self._shelf = shelf
        self._origin: Origin | None = None
        self._beginning: Iterator[Row] = iter(())
        self._is_loaded = False

    def load(self) -> None:
        """Get the steps ready, unless earlier sessions left work that may make that unnecessary."""
        if not any(link.has_history for link in self.links):
            self._load()

    def _load(self) -> None:
        if not self._is_loaded:
            self._is_loaded = True
            for planned in self.stage.steps:
                planned.step.load()

    def close(self) -> None:
        for link in self.links:
            if self._is_loaded:
                link.step.unload()
            if link.segment is not None:
                link.segment.close()
        self._reader.close()
        self.live.flush()

    def run(self, items: list[Item]) -> Outcome:
        """Take rows through all steps."""
        outcome = Outcome()
        entries = [_Entry(item.id, item.id, item.key, body=item.body) for item in items]
        return self._through(self.links, entries, [item.id for item in items], outcome)

    def pull(self, rows: int) -> Outcome:
        """Take the next rows from where they begin through the steps after that."""
        link, outcome = self.links[0], Outcome()
        if self._origin is None:
            self._load()
            self._origin = self._make_origin(link)
            self._beginning = iter(self._origin)
            for row in islice(self._beginning, self._skip):  # another worker sent them on; equal rows are counted with them
                self._keys.key(encode(row))
        taken, reused = self._origin.taken, self._origin.reused
        made = list(islice(self._beginning, rows))
        bodies = [encode(row) for row in made]
        entries = [
            _Entry(item_id, item_id, self._keys.key(body), row, body)
            for item_id, row, body in zip(map(str, count(self._made)), made, bodies, strict=False)
        ]
        self._made += len(made)
        outcome.is_last = len(made) < rows
        counts = outcome.count(link.name)
        counts.taken, counts.reused = self._origin.taken - taken, self._origin.reused - reused
        counts.made = len(made)
        self._record(link, entries, [[body] for body in bodies], outcome, collects=len(self.links) == 1)
        return self._through(self.links[1:], entries, [entry.id for entry in entries], outcome)

    def _make_origin(self, link: Link) -> Origin:
        step = link.step
        if isinstance(step, GeneratorStep):
            return SourceRows(step, self.desk.max_rows)
        assert isinstance(step, GlobalStep)
        assert self._shelf is not None
        return AllRows(step, self._shelf, step_folder(self.desk.ledger, link.name, link.step_key))

    def _through(self, links: list[Link], entries: list[_Entry], taken: list[str], outcome: Outcome) -> Outcome:
        is_first = links is self.links
        for link in links:
            is_last = link is self.links[-1] and self.stage.is_collected
            entries = self._step(link, entries, outcome, joins=is_first and self.stage.is_join, collects=is_last)
            is_first = False
        made: dict[str, list[str]] = {item_id: [] for item_id in taken}
        for entry in entries:
            made[entry.origin].append(entry.id)
        outcome.settled = list(made.items())
        if self.stage.downstream:
            outcome.items = [Item(entry.id, entry.key, self._body(entry)) for entry in entries]
        self.live.flush_if_due()
        return outcome

    def _step(self, link: Link, entries: list[_Entry], outcome: Outcome, *, joins: bool, collects: bool) -> list[_Entry]:
        counts = outcome.count(link.name)
        counts.taken += len(entries)
        made, fresh = self._earlier(link, entries, outcome, collects=collects) if link.has_history else ([], entries)
        if fresh:
            self._load()
        for start in range(0, len(fresh), link.batch_rows):
            part = fresh[start : start + link.batch_rows]
            made += self._fresh(link, part, outcome, joins=joins, collects=collects)
        counts.made += len(made)
        return made

    def _earlier(
        self, link: Link, entries: list[_Entry], outcome: Outcome, *, collects: bool
    ) -> tuple[list[_Entry], list[_Entry]]:
        """What earlier sessions made of these rows, and the rows they did not get to."""
        counts = outcome.count(link.name)
        made: list[_Entry] = []
        fresh: list[_Entry] = []
        for entry in entries:
            if link.finished is not None and (place := link.finished.get(entry.key)) is not None:
                counts.reused += 1
                children = (link.child(entry.id, entry.key, at) for at in range(place.rows))
                made += [_Entry(entry.origin, *child, place=place, at=at) for at, child in enumerate(children)]
                if collects:
                    outcome.collected.append(Collected(entry.id, place, link.multiplies))
            elif entry.key in link.failed:
                counts.failed += 1
            else:
                fresh.append(entry)
        return made, fresh

    def _fresh(self, link: Link, entries: list[_Entry], outcome: Outcome, *, joins: bool, collects: bool) -> list[_Entry]:
        """Process rows and record what came of them. If that raises, halves are tried until the rows at fault stand alone."""
        try:
            made = self._process(link, entries, joins=joins)
            bodies = [[encode(row) for row in rows] for rows in made]
        except (RunError, GeneratorExit):
            raise
        except BaseException as error:  # sys.exit and panics in Rust too: they must not end the worker
            for entry in entries:
                entry.row = None  # the step may have changed what lies inside it: it is read anew
            if len(entries) == 1:
                self._reject(link, entries[0], error, outcome, joins=joins)
                return []
            middle = len(entries) // 2
            return [
                *self._fresh(link, entries[:middle], outcome, joins=joins, collects=collects),
                *self._fresh(link, entries[middle:], outcome, joins=joins, collects=collects),
            ]
        self._record(link, entries, bodies, outcome, collects=collects)
        if link.multiplies:  # siblings may share what lies inside them: each is read anew
            return [
                _Entry(entry.origin, *link.child(entry.id, entry.key, at), None, body)
                for entry, encoded in zip(entries, bodies, strict=True)
                for at, body in enumerate(encoded)
            ]
        for entry, (row,), (body,) in zip(entries, made, bodies, strict=True):
            entry.row, entry.body = row if is_plain(row, body) else None, body
        return entries

    def _process(self, link: Link, entries: list[_Entry], *, joins: bool) -> list[Batch]:
        """What the step makes of each row, in the pipeline's names."""
        step = link.step
        received = self._received(link, entries, joins=joins)
        if isinstance(step, JoinStep):
            made = [[step.combine([rename_in(p, step.input_mappings) for p in self._parts(entry)])] for entry in entries]
        elif step.input_mappings:
            made = work(step, [rename_in(row, step.input_mappings) for row in received])
        else:
            made = work(step, received)
        for row in chain.from_iterable(made):
            if not isinstance(row, dict):
                raise TypeError(f"process returned {type(row).__name__} where a row (dict) belongs")
        if step.input_mappings or step.output_mappings:
            return [[rename_out(row, before, step) for row in rows] for rows, before in zip(made, received, strict=True)]
        return made

    def _record(
        self, link: Link, entries: list[_Entry], bodies: list[list[bytes]], outcome: Outcome, *, collects: bool
    ) -> None:
        if link.segment is not None and entries:
            places = link.segment.append([(entry.key, rows) for entry, rows in zip(entries, bodies, strict=True)])
            if collects:
                pairs = zip(entries, places, strict=True)
                outcome.collected += [Collected(entry.id, place, link.multiplies) for entry, place in pairs]
        newest = bodies if link.multiplies else bodies[-self.desk.newest :]
        self.live.show(link.name, [body for rows in newest for body in rows])

    def _reject(self, link: Link, entry: _Entry, error: BaseException, outcome: Outcome, *, joins: bool) -> None:
        row: Row | None = None
        with suppress(Exception):
            [row] = self._received(link, [entry], joins=joins)
        outcome.count(link.name).failed += 1
        outcome.failures.append(failure_of(error, link.name, link.step_key, entry.id, entry.key, row))

    # ---- content of an entry
    def _received(self, link: Link, entries: list[_Entry], *, joins: bool) -> Batch:
        if joins:
            parts = (self._parts(entry) for entry in entries)
            return [{column: value for part in of_row for column, value in part.items()} for of_row in parts]
        return [self._row(entry) if entry.row is None else entry.row for entry in entries]

    def _parts(self, entry: _Entry) -> Batch:
        """What the branches made of a row."""
        value = decode(self._body(entry))
        return value if isinstance(value, list) else [value]

    def _row(self, entry: _Entry) -> Row:
        entry.row = value = decode(self._body(entry))
        if not isinstance(value, dict):
            raise TypeError(f"a row is a dict, not {type(value).__name__}")
        return value

    def _body(self, entry: _Entry) -> bytes:
        if entry.body is None:
            assert entry.place is not None
            entry.body = self._kept_rows(entry.place)[entry.at]
        return entry.body

    def _kept_rows(self, place: Place) -> list[bytes]:
        """The rows of a record; the last one is kept, since its rows are mostly asked for together."""
        if self._split is None or self._split[0] != place:
            self._split = (place, split_rows(self._reader.rows(place)))
        return self._split[1]


def work(step: Step, rows: Batch) -> list[Batch]:
    """What a step makes of each row. It gets copies: a step that changes its rows does no harm.

    Raises:
        RunError: It returned more or fewer rows than it got, without having said that it may.
        Exception: Whatever the step raised, for one of the rows or for all.
    """
    needed = set(step.needs())
    for row in rows:
        if not needed <= row.keys():
            require(row, step.needs())
    if step.changes_rows:
        return [list(step.process([dict(row)])) for row in rows]
    made = list(step.process([dict(row) for row in rows]))
    if len(made) != len(rows):
        raise wrong_count(step, len(made), len(rows))
    return [[row] for row in made]


def wrong_count(step: Step, made: int, taken: int) -> RunError:
    """A step that made more or fewer rows than it may."""
    return RunError(
        f"step {step.name!r} ({type(step).__name__}) returned {made} rows for {taken}",
        "a step that drops or multiplies rows says so: set `changes_rows: ClassVar[bool] = True` in its class",
    )


def split_rows(data: bytes) -> list[bytes]:
    """The JSON of each row in a record."""
    rows = decode(data)
    return [data[1:-1]] if len(rows) == 1 else [encode(row) for row in rows]
