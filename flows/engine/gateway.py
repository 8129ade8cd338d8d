"""How requests reach a server: past the journal, which may know the answer, and through the gate of their endpoint."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flows.engine.batching.batches import Batches
from flows.engine.batching.line import BatchLine, error_tally
from flows.engine.budget import Purpose, Purse, ceiling_of
from flows.engine.gate import Gate
from flows.engine.journal import (
    ALL_ROWS,
    Asker,
    Entry,
    Journal,
    NotInJournal,
    as_asked_by,
    completion_of,
    tally_of,
    useless_key,
)
from flows.engine.keys import identity_of
from flows.engine.notices import Notice, Tell, tell_nobody
from flows.engine.tally import Tally
from steps.errors import EmptyReply, LLMError, RunError
from steps.llms.base import Ask, Completion, Request, Responder, Usage, topped_up
from steps.llms.bundles import Bundles, Rider, parts_of
from steps.llms.members import answering, through_members
from steps.wording import listed

Replied = Callable[[str, str, str, Completion, Tally, bool], None]
"""Is told of every reply: (step, row, which of the step's models, reply, what it used, whether it was got now).

One of no use has no texts.
"""


@dataclass(slots=True, eq=False)
class _Shared:
    """A request whose reply several rows wait for: it belongs to none of them, and goes on while one waits."""

    asking: asyncio.Task[Completion]
    waiting: int = 0


class Gateway:
    """How the steps of a process reach their models: the gates of a run, its journal, and its budget if it has one."""

    def __init__(
        self,
        journal: Journal,
        tell: Tell = tell_nobody,
        *,
        purse: Purse | None = None,
        replied: Replied = lambda *about: None,
        is_replay: bool = False,
        batches: Batches | None = None,
    ) -> None:
        """`is_replay`: the journal answers for every model that costs something, and none of those is reached. `batches`: where
        requests go many at a time; without, all go one by one.
        """
        self._tell = tell
        self.journal = journal
        self.purse = purse
        self.replied = replied
        self.is_replay = is_replay
        self.batches = None if is_replay else batches
        self._gates: dict[str, Gate] = {}
        self.under_way: dict[bytes, _Shared] = {}
        """Requests whose reply several rows may wait for, by its key."""
        self._is_draining = False
        self._is_held = False
        self._opening: asyncio.Task[None] | None = None

    async def open(self, paid: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Get the journal ready; steps that start together wait for it together.

        `paid` is told of each reply that earlier sessions paid for, if this is the first call.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(paid))
        await self._opening

    async def _open(self, paid: Callable[[dict[str, Any]], None] | None) -> None:
        await self.journal.open(paid, self._warn)
        if self.batches is not None:
            await self.batches.open()

    def _warn(self, text: str) -> None:
        self._tell(Notice("warning", "", text))

    async def close(self) -> None:
        if self._opening is not None:
            if self.batches is not None:
                await self.batches.close()
            await self.journal.close()

    def drain(self) -> None:
        """Send no more requests; those under way may end."""
        self._is_draining = True
        if self.purse is not None:
            self.purse.drain()
        if self.batches is not None:
            self.batches.drain()
        for gate in self._gates.values():
            gate.drain()

    def hold(self) -> None:
        """Send no requests until `go_on`; those under way may end."""
        self._is_held = True
        if self.batches is not None:
            self.batches.hold()
        for gate in self._gates.values():
            gate.hold()

    def go_on(self) -> None:
        """Send requests again."""
        self._is_held = False
        if self.batches is not None:
            self.batches.go_on()
        for gate in self._gates.values():
            gate.go_on()

    def is_dead(self, llm: Responder) -> bool:
        """Whether no request to this model's endpoint can succeed any more."""
        gate = self._gates.get(llm.endpoint)
        return gate is not None and gate.is_dead

    def lines(
        self, models: Mapping[str, Responder], step: str, used: Callable[[Tally], None], *, by_batch: bool = False
    ) -> Lines:
        """How a step asks its models. `used` is told what every answer used that was paid for now. `by_batch`: requests go to
        the provider many at a time.

        Raises:
            SpecError: The user's table of prices cannot be read.
        """
        lines: dict[int, Line] = {}
        found = answering(models)
        for llm in found.values():
            if id(llm) not in lines:
                lines[id(llm)] = self._line(llm, step, used, by_batch=by_batch)
        return Lines({name: lines[id(llm)] for name, llm in found.items()}, step, models)

    def _line(self, llm: Responder, step: str, used: Callable[[Tally], None], *, by_batch: bool) -> Line:
        gate = self._gates.get(llm.endpoint)
        if gate is None:
            gate = self._gates[llm.endpoint] = Gate(llm.endpoint, self._tell)
            if self._is_held:
                gate.hold()
            if self._is_draining:
                gate.drain()
        return Line(self, gate, llm, step, used, by_batch=by_batch)


class Lines:
    """The ways from one step to its models, by the names that the step has for them."""

    def __init__(self, lines: Mapping[str, Line], step: str, models: Mapping[str, Responder]) -> None:
        """`models`: as the step has them; `lines`: to those that answer by themselves."""
        self._models = models
        self._lines = lines
        self._step = step
        self._all = list(dict.fromkeys(lines.values()))

    async def open(self) -> None:
        """Get the models ready, unless the journal answers for them."""
        for line in self._all:
            await line.open()

    async def close(self) -> None:
        for line in self._all:
            await line.close()

    def of(self, row_id: str, row_key: bytes, retried: int = 0) -> Ask:
        """How one row asks. What it asked in an earlier session is answered from the journal.

        `retried`: how often it is tried again because a reply was no good; each time it is asked anew.
        """
        asked: Counter[bytes] = Counter()  # one for all: two names may stand for models that are the same
        asks = {line: line.of(row_id, row_key, retried, asked) for line in self._all}

        async def ask(request: Request) -> Completion:
            if (line := self._lines.get(request.model)) is None:
                known = listed(map(repr, self._lines)) or "none"
                what = f"step {self._step!r} asks its model {request.model!r}; of its models it has {known}"
                raise RunError(what, "name it in `models` of the step's class")
            return await asks[line](request)

        return topped_up(through_members(self._models, ask), self._replies_at_once)

    def _replies_at_once(self, request: Request) -> int:
        line = self._lines.get(request.model)
        return line.replies_at_once if line is not None else 0


class Line:
    """The way from one step to one of its models, past journal, budget and gate."""

    def __init__(
        self, gateway: Gateway, gate: Gate, llm: Responder, step: str, used: Callable[[Tally], None], *, by_batch: bool = False
    ) -> None:
        self._by_batch = by_batch and not llm.is_free
        self._batch: BatchLine | None = None
        """Made when it is needed: also in a step that sends no batches, where an earlier session did."""
        self._gateway = gateway
        self._is_replay = gateway.is_replay and not llm.is_free
        self._gate = gate
        self._caller = gate.caller(llm)
        self._llm = llm
        self._step = step
        self._used = used
        self._price = llm.find_price()
        self._model = identity_of(llm)
        self._bundles = Bundles(llm, self._buy_together) if llm.rows_per_request > 1 else None

    async def open(self) -> None:
        """Get the model ready, unless the journal answers for it."""
        if not self._is_replay:
            await self._caller.llm.load()
        batches = self._gateway.batches
        if batches is None or self._llm.batching is None:
            return
        if self._by_batch or batches.is_awaited(self._llm.endpoint):
            batches.attend(self._line_to(batches))

    @property
    def replies_at_once(self) -> int:
        """How many replies a request gets, where they are all asked for at the same time; else 0."""
        if not self._by_batch or self._batch is None:
            return 0
        return self._batch.most_n

    def _line_to(self, batches: Batches) -> BatchLine:
        if self._batch is None:
            self._batch = batches.line(self._llm, self._step, self._model, self._price)
        return self._batch

    async def close(self) -> None:
        if not self._is_replay:
            await self._caller.llm.unload()

    def of(self, row_id: str, row_key: bytes, retried: int, asked: Counter[bytes]) -> Ask:
        """How one row asks this model. `asked`: what it has sent, to all models."""
        key_of = Asker(self._model, self._step, row_key).keys(retried, asked)

        async def ask(request: Request) -> Completion:
            key = key_of(request)
            if self._llm.is_free:
                return await self._for_free(row_id, as_asked_by(request, key))
            kept = self._gateway.journal.find(key)
            if kept is None:
                buy = self._together if row_key == ALL_ROWS else self._for_money
                return await buy(key, row_id, request)
            completion = completion_of(kept)
            del completion.texts[request.n :]  # others may have written it
            self._gateway.replied(self._step, row_id, request.model, completion, tally_of(kept), False)
            return completion

        return ask

    async def _together(self, key: bytes, row_id: str, request: Request) -> Completion:
        """Ask for all rows that wait for the same reply; they share what comes of it."""
        under_way = self._gateway.under_way
        if (shared := under_way.get(key)) is None:
            shared = under_way[key] = _Shared(asyncio.create_task(self._for_money(key, row_id, request)))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.asking)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                del under_way[key]
                shared.asking.cancel()  # if it is not over: the last who waited is gone

    async def _for_money(self, key: bytes, row_id: str, request: Request) -> Completion:
        if self._is_replay:
            raise NotInJournal(
                f"no reply of {self._llm.model_name!r} to this row of step {self._step!r} is in the journal",
                "replay the pipeline as it ran; or ask for what is missing: distilflow run --journal",
            )
        try:
            return await self._buy(key, row_id, request)
        except EmptyReply as error:
            if not self._llm.max_retries:
                raise
            attempts = error.attempts
        try:
            return await self._buy(key, row_id, request)
        except LLMError as error:
            error.attempts += attempts
            raise

    async def _buy(self, key: bytes, row_id: str, request: Request) -> Completion:
        """Ask the server. Whatever is paid for is counted and kept, also a reply that is of no use."""
        batches = self._gateway.batches
        if batches is not None and self._llm.batching is not None and (self._by_batch or batches.has(key)):
            return await self._buy_by_batch(batches, self._line_to(batches), key, row_id, request)
        if self._bundles is not None:
            return await self._bundles.ask(request, (key, row_id))
        used = Tally()

        async def keep(completion: Completion, seconds: float, attempts: int) -> None:
            cost = self._cost(completion.usage)
            used.add(Tally.of(completion.usage, cost, seconds))
            asked = (request.chat, request.n, request.schema)
            who, at = (self._step, row_id, self._llm.model_name), time.time()
            about = (request.have, request.speaker, request.model)
            entry = Entry(*who, *asked, completion, at, seconds, attempts, cost, *about)
            await self._gateway.journal.keep(key if completion.texts else useless_key(key), entry)

        hold = await self._hold(request)
        try:
            completion = await self._gate.send(self._caller, request, keep)
        except LLMError as error:
            if error.usage is not None:
                useless = Completion([], self._llm.model_name, error.usage)
                await keep(useless, error.seconds, error.attempts)
                self._count(row_id, request, useless, used)
            raise
        finally:
            if self._gateway.purse is not None:
                self._gateway.purse.settle(hold, used if used.requests else None)
        self._count(row_id, request, completion, used)
        return completion

    async def _buy_by_batch(self, batches: Batches, line: BatchLine, key: bytes, row_id: str, request: Request) -> Completion:
        """As `_buy`, but the request goes with others, and whoever collects them keeps the replies."""
        try:
            arrival = await batches.ask(line, key, row_id, request)
        except LLMError as error:
            if error.usage is not None:
                self._count(row_id, request, Completion([], self._llm.model_name, error.usage), error_tally(line, error))
            raise
        if arrival.is_new:
            self._count(row_id, request, arrival.completion, arrival.used)
        else:
            self._gateway.replied(self._step, row_id, request.model, arrival.completion, arrival.used, False)
        return arrival.completion

    async def _buy_together(self, request: Request, riders: Sequence[Rider[tuple[bytes, str]]]) -> Sequence[Completion]:
        """Ask the server for several rows at once. Each reply is kept by itself, all of them before any row has its own."""
        parts: list[Completion] = []
        used: list[Tally] = []

        async def keep(completion: Completion, seconds: float, attempts: int) -> None:
            parts.extend(parts_of(completion, riders))
            whole, at, kept = self._cost(completion.usage), time.time(), []
            for number, (part, rider) in enumerate(zip(parts, riders, strict=True)):
                cost = None if whole is None else self._cost(part.usage) or 0.0  # a share may be less than one token
                one, asked, (key, row_id) = Tally.of(part.usage, cost, seconds), rider.request, rider.about
                used.append(one.riding() if number else one)
                who = (self._step, row_id, self._llm.model_name)
                entry = Entry(*who, asked.chat, asked.n, asked.schema, part, at, seconds, attempts, cost, asked.have)
                kept.append(self._gateway.journal.keep(key, replace(entry, asked_as=asked.model, rides=number > 0)))
            await asyncio.gather(*kept)

        hold = await self._hold(request)
        try:
            await self._gate.send(self._caller, request, keep)
        except LLMError as error:
            if error.usage is not None:
                used.append(await self._keep_useless(riders[0], error))
            raise
        finally:
            if self._gateway.purse is not None:
                total = Tally()
                for one in used:
                    total.add(one)
                self._gateway.purse.settle(hold, total if used else None)
        for rider, part, one in zip(riders, parts, used, strict=True):
            self._count(rider.about[1], rider.request, part, one)
        return parts

    async def _keep_useless(self, first: Rider[tuple[bytes, str]], error: LLMError) -> Tally:
        """Count what a reply used that is paid for and of no use to any of the rows that asked for it: the first bears it."""
        asked, (key, row_id), used = first.request, first.about, error.usage or Usage()
        useless, cost = Completion([], self._llm.model_name, used), self._cost(used)
        who = (self._step, row_id, self._llm.model_name)
        entry = Entry(*who, asked.chat, asked.n, asked.schema, useless, time.time(), error.seconds, error.attempts, cost)
        await self._gateway.journal.keep(useless_key(key), replace(entry, asked_as=asked.model))
        counted = Tally.of(used, cost, error.seconds)
        self._count(row_id, asked, useless, counted)
        return counted

    def _cost(self, usage: Usage) -> float | None:
        return self._price.cost(usage) if self._price is not None else None

    def _count(self, row_id: str, request: Request, completion: Completion, used: Tally) -> None:
        self._used(used)
        self._gateway.replied(self._step, row_id, request.model, completion, used, True)

    async def _hold(self, request: Request) -> int:
        """Wait until the budget has room for a request."""
        if self._gateway.purse is None:
            return 0
        is_free = self._price is not None and self._price.is_free
        ceiling = ceiling_of(self._llm, self._price, request)
        return await self._gateway.purse.hold(Purpose(self._step, self._llm.model_name), ceiling, is_free=is_free)

    async def _for_free(self, row_id: str, request: Request) -> Completion:
        begin = time.monotonic()
        completion = await self._gate.send(self._caller, request)
        used = Tally.of(completion.usage, 0.0, time.monotonic() - begin)
        self._gateway.replied(self._step, row_id, request.model, completion, used, True)
        return completion
