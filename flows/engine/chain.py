"""Cheap steps at work: rows go from step to step in one worker; what each step made is recorded on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from flows.engine.codec import decode, encode
from flows.engine.desk import Desk
from flows.engine.items import Item, child_key, content_key
from flows.engine.ledger import Place, Record, SegmentReader, step_folder
from flows.engine.live import LiveRows
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
        self.planned = planned
        self.name = planned.name
        self.step_key = step_key
        self.multiplies = may_multiply(planned)
        self.failed = desk.known_failures.get(step_key, frozenset())
        self.finished = None if begins else desk.finished(planned.name, step_key)
        self.segment = desk.segment(planned.name, step_key) if is_kept else None

    def child(self, item_id: str, key: bytes, at: int) -> tuple[str, bytes]:
        """Id and key of the `at`-th row made of a row."""
        return (f"{item_id}.{at}", child_key(key, at)) if self.multiplies else (item_id, key)


class Chain:
    """The steps of a stage that asks no model. One per worker."""

    def __init__(self, stage: Stage, desk: Desk, *, skip: int = 0, shelf: Path | None = None) -> None:
        self.stage = stage
        self.desk = desk
        self.live = LiveRows(desk.folder)
        self.links = [
            Link(planned, key, desk, begins=begins, is_kept=not begins or (stage.is_collected and len(stage.steps) == 1))
            for planned, key in zip(stage.steps, stage.keys, strict=True)
            for begins in [isinstance(planned.step, (GeneratorStep, GlobalStep))]
        ]
        self._reader = SegmentReader()
        self._made = skip
        self._skip = skip
        self._shelf = shelf
        self._origin: Origin | None = None
        self._beginning: Iterator[Row] = iter(())
        self._is_loaded = False

    def load(self) -> None:
        """Get the steps ready, unless earlier sessions left work that may make that unnecessary."""
        if not any(link.finished for link in self.links):
            self._load()

    def _load(self) -> None:
        if not self._is_loaded:
            self._is_loaded = True
            for planned in self.stage.steps:
                planned.step.load()

    def close(self) -> None:
        for link in self.links:
            if self._is_loaded:
                link.planned.step.unload()
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
            self._beginning = islice(self._origin, self._skip, None)
        taken, reused = self._origin.taken, self._origin.reused
        entries, records = [], []
        for row in islice(self._beginning, rows):
            body = encode(row)
            entry = _Entry(str(self._made), str(self._made), content_key(body), row, body)
            self._made += 1
            entries.append(entry)
            records.append(Record(entry.key, [body]))
        outcome.is_last = len(entries) < rows
        counts = outcome.count(link.name)
        counts.taken, counts.reused = self._origin.taken - taken, self._origin.reused - reused
        counts.made = len(entries)
        if link.segment is not None and records:
            for entry, place in zip(entries, link.segment.append(records), strict=True):
                outcome.collected.append(Collected(entry.id, place, False))
        self.live.show(link.name, [body for record in records for body in record.rows])
        return self._through(self.links[1:], entries, [entry.id for entry in entries], outcome)

    def _make_origin(self, link: Link) -> Origin:
        step = link.planned.step
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
        results: list[list[_Entry]] = []
        fresh: list[tuple[int, _Entry]] = []
        for entry in entries:
            results.append([])
            if entry.key in link.failed:
                counts.failed += 1
            elif link.finished is not None and (place := link.finished.take(entry.key)) is not None:
                counts.reused += 1
                results[-1] = self._from_ledger(link, entry, place)
                if collects:
                    outcome.collected.append(Collected(entry.id, place, link.multiplies))
            else:
                fresh.append((len(results) - 1, entry))
        if fresh:
            self._load()
        size = getattr(link.planned.step, "input_batch_size", 50)
        for start in range(0, len(fresh), size):
            part = fresh[start : start + size]
            made = self._fresh(link, [entry for _, entry in part], outcome, joins=joins, collects=collects)
            for (at, _), new in zip(part, made, strict=True):
                results[at] = new
        new_entries = [entry for result in results for entry in result]
        counts.made += len(new_entries)
        return new_entries

    def _from_ledger(self, link: Link, entry: _Entry, place: Place) -> list[_Entry]:
        children = (link.child(entry.id, entry.key, at) for at in range(place.rows))
        return [_Entry(entry.origin, *child, place=place, at=at) for at, child in enumerate(children)]

    def _fresh(self, link: Link, entries: list[_Entry], outcome: Outcome, *, joins: bool, collects: bool) -> list[list[_Entry]]:
        """Process rows and record what came of them; a row that fails has no entries."""
        step = link.planned.step
        received: list[Row | None] = []
        prepared: list[Row | None] = []
        errors: dict[int, Exception] = {}
        for at, entry in enumerate(entries):
            row: Row | None = None
            ready: Row | None = None
            try:
                if joins:
                    rows = [rename_in(part, step.input_mappings) for part in decode(self._body(entry))]
                    row = {column: value for part in rows for column, value in part.items()}
                    ready = step.combine(rows) if isinstance(step, JoinStep) else row
                else:
                    row = self._row(entry)
                    ready = rename_in(row, step.input_mappings) if step.input_mappings else row
                if not isinstance(step, JoinStep):
                    require(ready, step.needs())
            except Exception as error:
                errors[at], ready = error, None
            received.append(row)
            prepared.append(ready)
        outputs: list[Batch | None] = [None if ready is None else [ready] for ready in prepared]
        if isinstance(step, Step):
            good = [at for at, ready in enumerate(prepared) if ready is not None]
            for at, result in zip(good, self._isolated(step, [prepared[at] or {} for at in good]), strict=True):
                if isinstance(result, Exception):
                    errors[at], outputs[at] = result, None
                else:
                    outputs[at] = result
        results: list[list[_Entry]] = [[] for _ in entries]
        records, recorded = [], []
        for at, (entry, made) in enumerate(zip(entries, outputs, strict=True)):
            if made is None:
                continue
            try:
                rows = [self._named(step, new, received[at] or {}) for new in made]
                bodies = [encode(row) for row in rows]
            except Exception as error:
                errors[at] = error
                continue
            for number, (row, body) in enumerate(zip(rows, bodies, strict=True)):
                results[at].append(_Entry(entry.origin, *link.child(entry.id, entry.key, number), row, body))
            records.append(Record(entry.key, bodies))
            recorded.append(entry)
        if link.segment is not None and records:
            for entry, place in zip(recorded, link.segment.append(records), strict=True):
                if collects:
                    outcome.collected.append(Collected(entry.id, place, link.multiplies))
        if records:
            self.live.show(link.name, [body for record in records for body in record.rows])
        outcome.count(link.name).failed += len(errors)
        for at, problem in sorted(errors.items()):
            entry = entries[at]
            outcome.failures.append(failure_of(problem, link.name, link.step_key, entry.id, entry.key, received[at]))
        return results

    def _named(self, step: object, row: Row, received: Row) -> Row:
        assert isinstance(step, (Step, JoinStep))
        if not isinstance(row, dict):
            raise TypeError(f"process returned {type(row).__name__} where a row (dict) belongs")
        if step.input_mappings or step.output_mappings:
            return rename_out(row, received, step.input_mappings, step.output_mappings)
        return row

    def _isolated(self, step: Step, rows: Batch) -> list[Batch | Exception]:
        """What the step makes of each row; where it raises, halves are tried until the rows at fault stand alone."""
        if not rows:
            return []
        if step.changes_rows:
            return [result for row in rows for result in self._alone(step, row)]
        try:
            made = step.process([dict(row) for row in rows])
            made = made if isinstance(made, list) else list(made)
        except RunError:
            raise
        except Exception as error:
            if len(rows) == 1:
                return [error]
            middle = len(rows) // 2
            return [*self._isolated(step, rows[:middle]), *self._isolated(step, rows[middle:])]
        if len(made) != len(rows):
            raise RunError(
                f"step {step.name!r} ({type(step).__name__}) returned {len(made)} rows for {len(rows)}",
                "a step that drops or multiplies rows says so: set `changes_rows: ClassVar[bool] = True` in its class",
            )
        return [[row] for row in made]

    def _alone(self, step: Step, row: Row) -> list[Batch | Exception]:
        try:
            return [list(step.process([dict(row)]))]
        except RunError:
            raise
        except Exception as error:
            return [error]

    # ---- content of an entry
    def _row(self, entry: _Entry) -> Row:
        if entry.row is None:
            value = decode(self._body(entry))
            if not isinstance(value, dict):
                raise TypeError(f"a row is a dict, not {type(value).__name__}")
            entry.row = value
        return entry.row

    def _body(self, entry: _Entry) -> bytes:
        if entry.body is None:
            assert entry.place is not None
            entry.body = split_rows(self._reader.rows(entry.place))[entry.at]
        return entry.body


def split_rows(data: bytes) -> list[bytes]:
    """The JSON of each row in a record."""
    rows = decode(data)
    return [data[1:-1]] if len(rows) == 1 else [encode(row) for row in rows]
