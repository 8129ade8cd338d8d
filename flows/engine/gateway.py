"""How requests reach a server: past the journal, which may know the answer, and through the gate of their endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from flows.engine.gate import Caller, Gate
from flows.engine.journal import Asker, Entry, Journal
from flows.engine.keys import identity_of
from flows.engine.notices import Tell, tell_nobody
from steps.errors import RowError
from steps.llms.base import LLM, Ask, Completion, Request, topped_up


class NotInJournal(RowError):
    """Models are replayed, and the reply to this row was never kept."""

    code = "not-in-journal"


class Gateway:
    """How the steps of a process reach their models: the gates of a run, and its journal."""

    def __init__(self, journal: Journal, tell: Tell = tell_nobody, *, is_replay: bool = False) -> None:
        """`is_replay`: the journal answers for every model that costs something, and none of those is reached."""
        self._journal = journal
        self._tell = tell
        self._is_replay = is_replay
        self._gates: dict[str, Gate] = {}
        self._is_draining = False
        self._opening: asyncio.Task[None] | None = None

    async def open(self, paid: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Get the journal ready; steps that start together wait for it together.

        `paid` is told of each reply that earlier sessions paid for, if this is the first call.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._journal.open(paid))
        await self._opening

    async def close(self) -> None:
        if self._opening is not None:
            await self._journal.close()

    def drain(self) -> None:
        """Send no more requests; those under way may end."""
        self._is_draining = True
        for gate in self._gates.values():
            gate.drain()

    def is_dead(self, llm: LLM) -> bool:
        """Whether no request to this model's endpoint can succeed any more."""
        gate = self._gates.get(llm.endpoint)
        return gate is not None and gate.is_dead

    def line(self, llm: LLM, step: str, used: Callable[[Completion], None]) -> Line:
        """How a step asks this model. `used` is told of every answer that was paid for now."""
        gate = self._gates.get(llm.endpoint)
        if gate is None:
            gate = self._gates[llm.endpoint] = Gate(llm.endpoint, self._tell)
            if self._is_draining:
                gate.drain()
        return Line(gate, gate.caller(llm), None if llm.is_free else self._journal, step, used, is_replay=self._is_replay)


class Line:
    """The way from one step to its model, past journal and gate."""

    def __init__(
        self,
        gate: Gate,
        caller: Caller,
        journal: Journal | None,
        step: str,
        used: Callable[[Completion], None],
        *,
        is_replay: bool = False,
    ) -> None:
        self._is_replay = is_replay and journal is not None
        self._gate = gate
        self._caller = caller
        self._journal = journal
        self._step = step
        self._used = used
        self._model = identity_of(caller.llm)

    async def open(self) -> None:
        """Get the model ready, unless the journal answers for it."""
        if not self._is_replay:
            await self._caller.llm.load()

    async def close(self) -> None:
        if not self._is_replay:
            await self._caller.llm.unload()

    def of(self, row_id: str, row_key: bytes, retried: int = 0) -> Ask:
        """How one row asks. What it asked in an earlier session is answered from the journal.

        `retried`: how often it is tried again because a reply was no good; each time it is asked anew.
        """
        asker = Asker(self._model, self._step, row_key)
        asked: dict[bytes, int] = {}

        async def ask(request: Request) -> Completion:
            if self._journal is None:
                return await self._gate.send(self._caller, request)
            key = asker.key(request, 0, retried)
            asked[key] = before = asked.get(key, -1) + 1
            key = asker.key(request, before, retried) if before else key
            return await self._through(self._journal, key, row_id, request)

        return topped_up(ask)

    async def _through(self, journal: Journal, key: bytes, row_id: str, request: Request) -> Completion:
        kept = journal.get(key)
        if kept is not None:
            return kept
        if self._is_replay:
            raise NotInJournal(
                f"no reply of {self._caller.llm.model_name!r} to this row of step {self._step!r} is in the journal",
                "replay the pipeline as it ran; or ask for what is missing: distilflow run --journal",
            )

        async def keep(completion: Completion, seconds: float, attempts: int) -> None:
            model, now = self._caller.llm.model_name, time.time()
            asked = (request.chat, request.n, request.schema)
            await journal.keep(key, Entry(self._step, row_id, model, *asked, completion, now, seconds, attempts))

        completion = await self._gate.send(self._caller, request, keep)
        self._used(completion)
        return completion
