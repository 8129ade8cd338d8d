"""Cheap steps at work: rows go from step to step in one worker, all rows of a batch at once.

A batch takes the express way: each step gets what the one before returned, and only what leaves the chain is turned into bytes
and recorded. What a step makes is recorded on the way too if doing it again would cost more than keeping it, and if it may
multiply rows (the number of its rows is then needed to name them). Whenever something is odd - a step raises, or makes what
JSON does not hold as it is - the batch goes back to where it was last recorded and takes those steps carefully: one after the
other, halves of halves, until the rows at fault stand alone.

Rows that earlier sessions took through go on after the last step that has a record of them.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

from flows.engine.codec import are_plain, decode, encode, encode_all
from flows.engine.desk import OF_ANY_ROWS, Desk
from flows.engine.items import ContentKeys, Item, child_key
from flows.engine.ledger import Place, SegmentReader, step_folder
from flows.engine.live import NEWEST
from flows.engine.origins import AllRows, Origin, SourceRows, naming
from flows.engine.outcome import Collected, Failure, Outcome, failure_of
from flows.engine.pace import Pace
from flows.engine.returned import checked, returned, wrong_count
from flows.engine.roots import RootKeys, roots_file
from flows.engine.stages import Stage, may_multiply
from flows.plan import PlannedStep
from steps.base import Batch, GeneratorStep, GlobalStep, JoinStep, Row, rename_in, rename_out, require_all
from steps.errors import RunError

WORTH_KEEPING_S = 20e-6
"""What a step must cost per row to be recorded though it is not the last: over ten times what the record costs."""

SKIPPED_AT_ONCE = 10_000
REFUSED_AT_ONCE = 500
"""Rows that are told of at a time where a step over all rows refuses them."""


class _Kept(NamedTuple):
    """A row that lies unread in the ledger: number `at` of a record."""

    place: Place
    at: int


@dataclass(slots=True)
class _Part:
    """Rows on their way, side by side: ids (numbers, where a source made them), keys, JSON, and the rows if they were read."""

    ids: Sequence[str | int]
    keys: list[bytes]
    bodies: list[bytes] | list[_Kept]
    rows: Batch | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, at: slice) -> _Part:
        return _Part(self.ids[at], self.keys[at], self.bodies[at], self.rows[at] if self.rows else None)


class _Made(NamedTuple):
    """What a step made of some rows, and how many of each."""

    rows: Batch
    counts: list[int]


class Link:
    """One step in a chain, with its part of the ledger."""

    def __init__(self, planned: PlannedStep, step_key: str, desk: Desk, *, is_kept: bool) -> None:
        self.step: Any = planned.step
        self.name = planned.name
        self.step_key = step_key
        self.begins = isinstance(planned.step, (GeneratorStep, GlobalStep))
        self.multiplies = may_multiply(planned)
        self.is_kept = is_kept or self.multiplies
        """Whether all it makes is recorded, cheap or not."""
        self.batch_rows: int = getattr(planned.step, "input_batch_size", 50)
        self.failed = desk.known_failures.get(step_key, frozenset())
        self.finished = None if self.begins else desk.finished(planned.name, step_key)
        self.has_history = bool(self.failed or self.finished)
        self.segment = desk.segment(planned.name, step_key)
        self.artifacts = desk.artifacts(planned.name, step_key)
        self.is_loaded = False
        self._needed: list[str] = [] if self.begins else planned.step.needs()

    def load(self) -> None:
        """Get the step ready; it may be already.

        Raises:
            RunError: It cannot. The message names it: others may work in the same stage.
        """
        if self.is_loaded:
            return
        self.is_loaded = True
        if isinstance(self.step, GeneratorStep):  # it begins anew, whatever its parameters were: so do its artifacts
            shutil.rmtree(self.artifacts, ignore_errors=True)
        self.step.keep_artifacts_in(self.artifacts / OF_ANY_ROWS)
        with naming(self.step):
            self.step.load()

    def unload(self) -> None:
        if not self.is_loaded:
            return
        try:
            with naming(self.step):
                self.step.unload()
        finally:
            self.step.keep_artifacts_in(None)

    def work(self, rows: Batch) -> _Made:
        """What the step makes of rows, in the pipeline's names. It may change the rows it gets.

        Raises:
            RunError: It returned more or fewer rows than it got, without having said that it may.
            Exception: Whatever the step raised, for one of the rows or for all.
        """
        step = self.step
        inputs, outputs = step.input_mappings, step.output_mappings
        given = [rename_in(row, inputs) for row in rows] if inputs else [dict(row) for row in rows] if outputs else rows
        require_all(given, self._needed)
        made = self._multiplied(given) if self.multiplies else self._one_each(given)
        if inputs or outputs:
            before = chain.from_iterable(map(repeat, rows, made.counts))
            return made._replace(rows=[rename_out(*pair, step) for pair in zip(made.rows, before, strict=True)])
        return made

    def _multiplied(self, rows: Batch) -> _Made:
        made = [list(returned(self.step, self.step.process([row]))) for row in rows]
        return _Made(checked(self.step, list(chain.from_iterable(made))), list(map(len, made)))

    def _one_each(self, rows: Batch) -> _Made:
        made: Batch = []
        for start in range(0, len(rows), self.batch_rows):
            some = rows[start : start + self.batch_rows]
            count = len(some)  # now: it may change the list, too
            done = checked(self.step, list(returned(self.step, self.step.process(some))))
            if len(done) != count:
                raise wrong_count(self.step, len(done), count)
            made += done
        return _Made(made, [1] * len(made))


class Chain:
    """The steps of a stage that asks no model. One per worker."""

    def __init__(self, stage: Stage, desk: Desk, *, skip: int = 0, shelves: Sequence[Path] = ()) -> None:
        self.stage = stage
        self.desk = desk
        self.live = desk.live_rows()
        pairs = list(zip(stage.steps, stage.keys, strict=True))
        self.links = [Link(planned, key, desk, is_kept=at == len(pairs)) for at, (planned, key) in enumerate(pairs, 1)]
        self._is_shown_exactly = desk.newest > NEWEST
        """A preview: what each step made is looked at row by row, so no later step may have written into it."""
        self._reader = SegmentReader()
        self._made = skip
        self._skip = skip
        self._keys = ContentKeys()
        self._roots: RootKeys | None = None
        self._pace = Pace()
        self._split: tuple[Place, list[bytes]] | None = None
        self._shelves = shelves
        self._origin: Origin | None = None
        self._refused: Iterator[Failure] = iter(())
        self._refused_count = 0

    def load(self) -> None:
        """Get the steps ready, unless earlier sessions left work that may make that unnecessary."""
        if not any(link.has_history for link in self.links):
            self._load(0, len(self.links))

    def _load(self, start: int, stop: int) -> None:
        """Get the steps ready that have work to do. One that finds all its rows finished is left alone, to its end too."""
        for link in self.links[start:stop]:
            link.load()

    def close(self) -> None:
        if self._origin is not None:
            self._origin.close()
        if self._roots is not None:
            self._roots.close()
        for link in self.links:
            link.unload()
            link.segment.close()
        self._reader.close()
        self.live.flush()

    def run(self, items: list[Item]) -> Outcome:
        """Take rows through all steps."""
        outcome = Outcome()
        ids = [item.id for item in items]
        self._take(0, _Part(ids, [item.key for item in items], [item.body for item in items]), outcome)
        outcome.settled = ids
        self.live.flush_if_due()
        return outcome

    def pull(self, least: int, most: int) -> Outcome:
        """Take the next rows from where they begin through the steps after that: `least`, or up to `most` if that is faster."""
        link, outcome = self.links[0], Outcome()
        begin = time.perf_counter()
        rows = self._pace.rows(least, most)
        if self._origin is None:
            self._load(0, 1)
            self._origin = self._make_origin(link)
            self._roots = RootKeys(roots_file(self.desk.folder, link.name))
            if not self._skip:  # else another worker told of them before it sent the first row on
                self._refused = self._origin.refused()
            while passed := self._origin.take(min(self._skip, SKIPPED_AT_ONCE)):  # another worker sent them on
                self._roots.add(self._keys.keys(encode_all(passed)[0]))  # equal rows are counted with them
                self._skip -= len(passed)
        counts = outcome.count(link.name)
        if refused := list(islice(self._refused, REFUSED_AT_ONCE)):  # they are counted with the first rows that go on
            self._refused_count += len(refused)
            outcome.failures = [failure for failure in refused if bytes.fromhex(failure.key) not in link.failed]
            return outcome
        taken, reused = self._origin.taken, self._origin.reused
        made = self._origin.take(rows)
        bodies, are_same = encode_all(made)
        ids = range(self._made, self._made + len(made))
        part = _Part(ids, self._keys.keys(bodies), bodies, made if are_same else None)
        assert self._roots is not None
        self._roots.add(part.keys)
        self._made += len(made)
        outcome.is_last = len(made) < rows
        counts.taken, counts.reused = self._origin.taken - taken, self._origin.reused - reused
        counts.made = len(made)
        counts.failed, self._refused_count = self._refused_count, 0
        self.live.show(link.name, bodies)
        if len(self.links) > 1:
            self._take(1, part, outcome)
        else:
            if self.stage.is_collected:
                self._record(link, part, [1] * len(part), bodies, outcome)
            self._leave(part, outcome)
        self.live.flush_if_due()
        self._pace.took(len(made), time.perf_counter() - begin, sum(map(len, bodies)))
        return outcome

    def _make_origin(self, link: Link) -> Origin:
        step = link.step
        if isinstance(step, GeneratorStep):
            return SourceRows(step, self.desk.options.max_rows, self.stage.rounds)
        assert isinstance(step, GlobalStep)
        folder = step_folder(self.desk.ledger, link.name, link.step_key)
        return AllRows(step, link.step_key, self._shelves, folder, link.artifacts)

    # ---- the way of the rows
    def _take(self, start: int, part: _Part, outcome: Outcome) -> None:
        """Take rows through the links from `start` on; what leaves the last one is in the outcome."""
        if start == len(self.links):
            self._leave(part, outcome)
            return
        stop = next((at for at, link in enumerate(self.links, 1) if at > start and link.multiplies), len(self.links))
        for go_on, group in self._found(start, stop, part, outcome):
            if len(group):
                self._load(go_on, stop)
                self._take(stop, self._through(go_on, stop, group, outcome), outcome)

    def _leave(self, part: _Part, outcome: Outcome) -> None:
        if self.stage.downstream:
            bodies = self._read(part.bodies)
            outcome.items += [Item(str(at), key, body) for at, key, body in zip(part.ids, part.keys, bodies, strict=True)]

    def _found(self, start: int, stop: int, part: _Part, outcome: Outcome) -> list[tuple[int, _Part]]:
        """The rows by the link at which they go on, given what earlier sessions made of them.

        Of links `start` to `stop` only the last may multiply rows, so a row has the same key in all of them. Rows that are
        through all of these are taken further here.
        """
        links = self.links[start:stop]
        if not any(link.has_history for link in links):
            return [(start, part)]
        groups: dict[int, list[tuple[str, bytes, bytes | _Kept]]] = defaultdict(list)
        each: Any = zip(part.ids, part.keys, part.bodies, strict=True)
        for item_id, key, body in each:
            for at in reversed(range(len(links))):
                link = links[at]
                place = link.finished.get(key) if link.finished is not None else None
                if place is None and key not in link.failed:
                    continue
                for passed in links[:at]:
                    counts = outcome.count(passed.name)
                    counts.taken, counts.made, counts.reused = counts.taken + 1, counts.made + 1, counts.reused + 1
                counts = outcome.count(link.name)
                counts.taken += 1
                if place is None:
                    counts.failed += 1
                    break
                counts.made, counts.reused = counts.made + place.rows, counts.reused + 1
                for number in range(place.rows):
                    child = _child(str(item_id), key, number) if link.multiplies else (str(item_id), key)
                    groups[start + at + 1].append((*child, _Kept(place, number)))
                if self.stage.is_collected and link is self.links[-1]:
                    outcome.collected.append(Collected(str(item_id), place, link.multiplies))
                break
            else:
                groups[start].append((str(item_id), key, body))
        found = []
        for at, group in sorted(groups.items()):
            ids, keys, bodies = map(list, zip(*group, strict=True))
            found_part = _Part(ids, keys, bodies)
            if at == stop:
                self._take(stop, found_part, outcome)
            else:
                found.append((at, found_part))
        return found

    def _through(self, start: int, stop: int, part: _Part, outcome: Outcome) -> _Part:
        """Take rows through some links: express as far as it goes, carefully where it does not."""
        while start < stop and len(part):
            reached = start
            if not (self._is_shown_exactly or (start == 0 and self.stage.is_join)):
                start, reached, part = self._express(start, stop, part, outcome)
            while start < stop and start <= reached and len(part):
                part = self._carefully(start, part, outcome)
                start += 1
        return part

    def _express(self, start: int, stop: int, part: _Part, outcome: Outcome) -> tuple[int, int, _Part]:
        """Returns up to which link rows are recorded, which one failed (none: `stop`), and the rows as recorded last."""
        try:
            rows = self._rows(part)
        except Exception:  # one of them cannot be read
            return start, start, part
        passed: list[tuple[Link, Batch]] = []
        for at in range(start, stop):
            link, taken = self.links[at], len(rows)
            begin = time.perf_counter()
            try:
                made = link.work(rows)
                seconds = time.perf_counter() - begin
                is_kept = link.is_kept or seconds > WORTH_KEEPING_S * taken
                if not is_kept and not are_plain(made.rows):  # the next step is to see what it would when the run goes on
                    return start, at, _unread(part)
                encoded = encode_all(made.rows) if is_kept else None
            except (RunError, GeneratorExit):
                raise
            except BaseException:  # sys.exit and panics in Rust too: they must not end the worker
                return start, at, _unread(part)
            passed.append((link, [dict(row) for row in made.rows[-self.desk.newest :]]))
            if encoded is not None:
                for before, newest in passed:
                    counts = outcome.count(before.name)
                    counts.taken, counts.made = counts.taken + taken, counts.made + taken
                    self.live.show(before.name, newest)
                outcome.count(link.name).made += len(made.rows) - taken
                part, start = self._recorded(link, part, made, *encoded, outcome), at + 1
                passed = []
                if start < stop and part.rows is None:
                    return self._express(start, stop, part, outcome)
                rows = part.rows or []
            else:
                rows = made.rows
        return start, stop, part

    def _carefully(self, at: int, part: _Part, outcome: Outcome) -> _Part:
        """Take rows through one link. If that raises, halves are tried until the rows at fault stand alone."""
        link = self.links[at]
        parts = [
            self._piece(at, part[start : start + link.batch_rows], outcome) for start in range(0, len(part), link.batch_rows)
        ]
        outcome.count(link.name).taken += len(part)
        return _joined(parts)

    def _piece(self, at: int, part: _Part, outcome: Outcome) -> _Part:
        link = self.links[at]
        begin = time.perf_counter()
        try:
            made = self._combined(link, part) if isinstance(link.step, JoinStep) else link.work(self._received(at, part))
            seconds = time.perf_counter() - begin
            bodies, are_same = encode_all(made.rows)
        except (RunError, GeneratorExit):
            raise
        except BaseException as error:
            part = _unread(part)
            if len(part) == 1:
                self._reject(at, part, error, outcome)
                return part[:0]
            middle = len(part) // 2
            return _joined([self._piece(at, part[:middle], outcome), self._piece(at, part[middle:], outcome)])
        outcome.count(link.name).made += len(bodies)
        self.live.show(link.name, bodies)
        if link.is_kept or seconds > WORTH_KEEPING_S * len(part):
            return self._recorded(link, part, made, bodies, are_same, outcome)
        return _Part(part.ids, part.keys, bodies, made.rows if are_same else None)

    # ---- records
    def _recorded(self, link: Link, part: _Part, made: _Made, bodies: list[bytes], are_same: bool, outcome: Outcome) -> _Part:
        """Record what a link made of some rows; returns the rows made."""
        self._record(link, part, made.counts, bodies, outcome)
        if not link.multiplies:
            return _Part(part.ids, part.keys, bodies, made.rows if are_same else None)
        pairs = zip(part.ids, part.keys, made.counts, strict=True)
        children = [_child(str(item_id), key, at) for item_id, key, count in pairs for at in range(count)]
        ids, keys = [item_id for item_id, _ in children], [key for _, key in children]
        return _Part(ids, keys, bodies)  # siblings may share what lies inside them: each is read anew

    def _record(self, link: Link, part: _Part, counts: list[int], bodies: list[bytes], outcome: Outcome) -> None:
        if not part:
            return
        if link.multiplies:
            each = iter(bodies)
            bodies = [b",".join(islice(each, count)) for count in counts]
        frames = link.segment.append(part.keys, bodies, counts)
        if not self.stage.is_collected or link is not self.links[-1]:
            return
        start = 0
        for frame in frames:
            ids = part.ids[start : start + len(frame.counts)]
            start += len(ids)
            if isinstance(ids, range) and not link.multiplies:  # one entry for all of them
                outcome.collected.append(Collected(str(ids[0]), frame.place(0), has_children=False, run=len(ids)))
            else:
                places = zip(ids, frame.places(), strict=True)
                outcome.collected += [Collected(str(item_id), place, link.multiplies) for item_id, place in places]

    def _reject(self, at: int, part: _Part, error: BaseException, outcome: Outcome) -> None:
        link = self.links[at]
        row: Row | None = None
        with suppress(Exception):
            [row] = self._received(at, part)
        outcome.count(link.name).failed += 1
        [item_id], [key] = part.ids, part.keys
        outcome.failures.append(failure_of(error, link.name, link.step_key, str(item_id), key, row))

    # ---- content
    def _received(self, at: int, part: _Part) -> Batch:
        if at == 0 and self.stage.is_join:
            return [{column: value for row in rows for column, value in row.items()} for rows in self._branches(part)]
        return self._rows(part)

    def _combined(self, link: Link, part: _Part) -> _Made:
        """What a join makes of what the branches made of each row."""
        step, merged = link.step, self._received(0, part)
        made = [step.combine([rename_in(row, step.input_mappings) for row in rows]) for rows in self._branches(part)]
        if step.input_mappings or step.output_mappings:
            made = [rename_out(row, before, step) for row, before in zip(checked(step, made), merged, strict=True)]
        return _Made(checked(step, made), [1] * len(made))

    def _branches(self, part: _Part) -> list[Batch]:
        """What the branches made of each row."""
        values = list(map(decode, self._read(part.bodies)))
        return [value if isinstance(value, list) else [value] for value in values]

    def _rows(self, part: _Part) -> Batch:
        if part.rows is None:
            part.rows = list(map(decode, self._read(part.bodies)))
        return part.rows

    def _read(self, bodies: list[bytes] | list[_Kept]) -> list[bytes]:
        return [self._kept_rows(body.place)[body.at] if isinstance(body, _Kept) else body for body in bodies]

    def _kept_rows(self, place: Place) -> list[bytes]:
        """The rows of a record; the last one is kept, since its rows are mostly asked for together."""
        if self._split is None or self._split[0] != place:
            self._split = (place, split_rows(self._reader.rows(place)))
        return self._split[1]


def _child(item_id: str, key: bytes, at: int) -> tuple[str, bytes]:
    """Id and key of the `at`-th row made of a row."""
    return f"{item_id}.{at}", child_key(key, at)


def _unread(part: _Part) -> _Part:
    """The same rows, to be read anew: a step may have changed them."""
    return _Part(part.ids, part.keys, part.bodies)


def _joined(parts: list[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    ids = [one for part in parts for one in part.ids]
    bodies: list[Any] = [body for part in parts for body in part.bodies]
    rows = None if any(part.rows is None for part in parts) else [row for part in parts for row in part.rows or ()]
    return _Part(ids, [key for part in parts for key in part.keys], bodies, rows)


def split_rows(data: bytes) -> list[bytes]:
    """The JSON of each row in a record."""
    rows = decode(data)
    return [data[1:-1]] if len(rows) == 1 else [encode(row) for row in rows]
