"""Steps that ask a model at work: each row is a coroutine of its own and leaves as soon as its answer is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from flows.engine.chain import split_rows
from flows.engine.codec import decode, encode
from flows.engine.desk import OF_ANY_ROWS, Desk
from flows.engine.gateway import Gateway
from flows.engine.index import Index
from flows.engine.items import Item, child_key
from flows.engine.journal import ALL_ROWS
from flows.engine.ledger import SegmentReader
from flows.engine.not_sent import NotSent
from flows.engine.outcome import Collected, Outcome, failure_of
from flows.engine.returned import wrong_count
from flows.engine.stages import Stage, may_multiply
from flows.engine.tally import Tally
from steps.base import Row, rename_in, rename_out
from steps.errors import LLMError, RunError
from steps.tasks.asking import AskingStep


class Asking:
    """The one step of a stage that asks a model. Rows that finish in the same turn of the loop are recorded together.

    `deliver` gets what is finished; `fail` gets the error after which no row can succeed.
    """

    def __init__(
        self,
        stage: Stage,
        desk: Desk,
        gateway: Gateway,
        deliver: Callable[[Outcome], None],
        fail: Callable[[Exception], None],
    ) -> None:
        task = stage.asks
        assert task is not None
        self.stage = stage
        self.task = task
        self.name = stage.name
        self.step_key = stage.keys[0]
        self._multiplies = may_multiply(stage.head)
        self._retried = desk.retried.get(self.name, {})
        self._failed = desk.known_failures.get(self.step_key, frozenset())
        self._recalls = type(task).recall is not AskingStep.recall
        self._desk = desk
        self._finished = Index(())
        self._segment = desk.segment(self.name, self.step_key)
        self._reader = SegmentReader()
        self._live = desk.live_rows()
        self._gateway = gateway
        self._lines = gateway.lines(task.models(), self.name, self._account, by_batch=bool(task.batched_models))
        self._deliver = deliver
        self._fail = fail
        self._running: set[asyncio.Task[None]] = set()
        self._done: list[tuple[Item, list[bytes]]] = []
        self._outcome = Outcome()
        self._flush_is_due = False

    async def load(self) -> None:
        self._finished = await asyncio.to_thread(self._desk.finished, self.name, self.step_key)
        await self._gateway.open()
        self.task.keep_artifacts_in(self._desk.artifacts(self.name, self.step_key) / OF_ANY_ROWS)
        await asyncio.to_thread(self.task.load)
        await self._lines.open()

    async def close(self) -> None:
        """Wait for what is under way, or for its cancellation, and let go of everything."""
        if self._running:
            await asyncio.wait(self._running)
        self._flush()
        await self._lines.close()
        self._segment.close()
        self._reader.close()
        self._live.flush()
        await asyncio.to_thread(self.task.unload)  # it may take a while: to draw what it saw, for instance
        self.task.keep_artifacts_in(None)

    def cancel(self) -> None:
        """Give up the requests under way; what has arrived is kept."""
        for task in self._running:
            task.cancel()

    def give(self, items: list[Item]) -> None:
        """Start work on rows; never blocks. The caller bounds how many are under way."""
        counts = self._outcome.count(self.name)
        counts.taken += len(items)
        for item in items:
            if (place := self._finished.get(item.key)) is not None:
                counts.reused += 1
                if self.stage.is_collected:
                    self._outcome.collected.append(Collected(item.id, place, self._multiplies))
                is_read = self.stage.downstream or self._recalls
                bodies = split_rows(self._reader.rows(place)) if is_read else [b""] * place.rows
                if self._recalls:
                    self._recall(bodies)
                self._settle(item, bodies)
            elif item.key in self._failed:
                counts.failed += 1
                self._settle(item, [])
            else:
                task = asyncio.create_task(self._one(item))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        self._flush_soon()

    def _recall(self, bodies: list[bytes]) -> None:
        """Show the task rows that it finished earlier, under the names that it uses."""
        for row in map(decode, bodies):
            self.task.recall(rename_in(row, {**self.task.input_mappings, **self.task.output_mappings}))

    async def _one(self, item: Item) -> None:
        row: Row = {}
        try:
            row = self._row(item)
            ready = rename_in(row, self.task.input_mappings) if self.task.input_mappings else row
            asker = ALL_ROWS if self.task.shares_replies else item.key
            made = await self.task.answer(ready, self._lines.of(item.id, asker, self._retried.get(item.key, 0)))
            if not self._multiplies and len(made) != 1:
                raise wrong_count(self.task, len(made), 1)
            named = [rename_out(new, row, self.task) for new in made]
            bodies = [encode(new) for new in named]
        except NotSent:
            self._give_back(item)
        except RunError as error:
            self._give_back(item)
            self._fail(error)
        except LLMError as error:
            if error.is_fatal:
                self._give_back(item)
                self._fail(error)
                return
            self._reject(item, error, row)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # sys.exit, a panic in Rust: it must not end the engine, nor leave the row waiting
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # it was us who gave it up
            self._reject(item, error, row)
        else:
            self._done.append((item, bodies))
            self._flush_soon()

    def _row(self, item: Item) -> Row:
        value = decode(item.body)
        parts = value if self.stage.is_join else [value]
        return {column: content for part in parts for column, content in part.items()}

    def _give_back(self, item: Item) -> None:
        """The run is ending, and nothing came of this row: nobody has to wait for it."""
        self._outcome.count(self.name).taken -= 1
        self._outcome.returned.append(item.id)
        self._flush_soon()

    def _reject(self, item: Item, error: BaseException, row: Row) -> None:
        with suppress(Exception):
            row = self._row(item)  # the task may have changed what it got
        self._outcome.count(self.name).failed += 1
        self._outcome.failures.append(failure_of(error, self.name, self.step_key, item.id, item.key, row))
        self._settle(item, [])
        self._flush_soon()

    def _settle(self, item: Item, bodies: list[bytes]) -> None:
        if self.stage.downstream:
            for at, body in enumerate(bodies):
                item_id = f"{item.id}.{at}" if self._multiplies else item.id
                key = child_key(item.key, at) if self._multiplies else item.key
                self._outcome.items.append(Item(item_id, key, body))
        self._outcome.settled.append(item.id)
        self._outcome.count(self.name).made += len(bodies)

    def _account(self, usage: Tally) -> None:
        self._outcome.count(self.name).usage.add(usage)

    def _flush_soon(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Record what is finished, then let it go on: nothing is shown that a crash could take back."""
        self._flush_is_due = False
        done, self._done = self._done, []
        if done:
            try:
                keys, counts = [item.key for item, _ in done], [len(bodies) for _, bodies in done]
                frames = self._segment.append(keys, [b",".join(bodies) for _, bodies in done], counts)
            except Exception as error:  # the event loop would only log it, and these rows would wait for ever
                self._fail(error)
                return
            places = (place for frame in frames for place in frame.places())
            for (item, bodies), place in zip(done, places, strict=True):
                if self.stage.is_collected:
                    self._outcome.collected.append(Collected(item.id, place, self._multiplies))
                self._settle(item, bodies)
            self._live.show(self.name, [body for _, bodies in done for body in bodies])
        self._live.flush_if_due()
        if self._outcome.settled or self._outcome.returned or self._outcome.counts:
            outcome, self._outcome = self._outcome, Outcome()
            self._deliver(outcome)
