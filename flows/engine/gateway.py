"""How requests reach a server: one gate per endpoint, shared by all steps that use it.

A request passes the journal, which may know the answer, and the gate, which bounds how many are in flight, holds everybody
back while the server asks to wait, repeats what may pass, and notices when nobody is there.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from flows.engine.journal import Asker, Entry, Journal
from flows.engine.keys import identity_of
from steps.errors import BadReply, EndpointDown, LLMError, NetworkFailed, RateLimited, ServerFailed, Unreachable
from steps.llms.base import LLM, Completion, Request
from steps.tasks.base import Ask

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
ROWS_BEFORE_DOWN = 5
"""Rows in a row that used up their attempts, without one success between them, before the server counts as down."""
REFUSING_S = 600.0
"""How long a server may refuse everything with 429 before it counts as down."""
REFUSALS_PER_ROW = 50
"""Refusals use up no attempts, since they are no failures; but a request that is too large for a limit is refused for ever."""
LOOK_S = 0.5


Keep = Callable[[Completion, float, int], Awaitable[None]]
"""Puts an answer in safety: (answer, seconds it took, attempts)."""


class NotSent(Exception):
    """The run is ending: this request was held back, and costs nothing."""


class Gate:
    """The way to one endpoint."""

    def __init__(self, endpoint: str, max_concurrency: int) -> None:
        self.endpoint = endpoint
        self._slots = asyncio.Semaphore(max_concurrency)
        self._closed_until = 0.0
        self._given_up_in_a_row = 0
        self._refusing_since: float | None = None
        self._fatal: LLMError | None = None
        self.is_draining = False
        """Requests under way may end; no other is sent."""

    @property
    def is_dead(self) -> bool:
        """Whether no request can succeed any more."""
        return self._fatal is not None

    async def send(self, llm: LLM, request: Request, keep: Keep | None = None) -> Completion:
        """Ask until there is an answer or no hope of one.

        The request counts as under way until `keep` has put the answer in safety.

        Raises:
            LLMError: `attempts` on it says how often it was tried.
            EndpointDown: No server is there; the run should stop.
            NotSent: The run is ending.
        """
        attempt = failures = refusals = 0
        while True:
            attempt += 1
            async with self._slots:
                await self._opened()
                if self._fatal is not None:  # no request can succeed any more: send none
                    raise self._fatal
                if self.is_draining:
                    raise NotSent
                begin = time.monotonic()
                try:
                    completion = await llm.complete(request)
                except LLMError as error:
                    failed = error
                else:
                    if keep is not None:
                        await keep(completion, time.monotonic() - begin, attempt)
                    self._given_up_in_a_row = 0
                    self._refusing_since = None
                    return completion
            if isinstance(failed, RateLimited) and refusals < REFUSALS_PER_ROW:
                refusals += 1
                self._refused(failed, attempt)
                continue
            failures += 1
            if not failed.is_retryable or failures > llm.max_retries or refusals == REFUSALS_PER_ROW:
                failed.attempts = attempt  # type: ignore[attr-defined]
                verdict = self._verdict(failed, attempt)
                if verdict.is_fatal:
                    self._fatal = verdict
                raise verdict from failed
            await self._pause(pause_s(failures))

    def _refused(self, error: RateLimited, attempt: int) -> None:
        """Hold everybody back for as long as the server asks to.

        Raises:
            EndpointDown: It has been refusing everything for too long.
        """
        now = time.monotonic()
        self._refusing_since = self._refusing_since or now
        if now - self._refusing_since > REFUSING_S:
            self._fatal = EndpointDown(
                f"{self.endpoint} has refused every request for {REFUSING_S / 60:.0f} minutes: {error.message}",
                "check the limits of your account, then `distilflow resume` the run: what is finished is kept",
            )
            raise self._fatal from error
        self._closed_until = max(self._closed_until, now + (error.retry_after_s or pause_s(attempt)))

    async def _opened(self) -> None:
        while not self.is_draining and (wait := self._closed_until - time.monotonic()) > 0:
            await asyncio.sleep(min(LOOK_S, wait + random.uniform(0, 0.05)))

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_draining and (wait := until - time.monotonic()) > 0:
            await asyncio.sleep(min(LOOK_S, wait))

    def _verdict(self, error: LLMError, attempts: int) -> LLMError:
        """The error of this row, or that the endpoint is down."""
        if not isinstance(error, (NetworkFailed, ServerFailed)):
            return error
        self._given_up_in_a_row += 1
        if isinstance(error, Unreachable) or self._given_up_in_a_row >= ROWS_BEFORE_DOWN:
            return EndpointDown(
                f"{self.endpoint} does not answer: {error.message} ({attempts} attempts each)",
                f"{error.fix or 'start or check the server'}; then `distilflow resume` the run: what is finished is kept",
            )
        return error


def pause_s(attempt: int) -> float:
    """Seconds to wait after the `attempt`-th failure: doubling, with full jitter."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))


class Gateway:
    """How the steps of a process reach their models: the gates of a run, and its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._gates: dict[str, Gate] = {}
        self._is_draining = False
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Get the journal ready; steps that start together wait for it together."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._journal.open())
        await self._opening

    async def close(self) -> None:
        if self._opening is not None:
            await self._journal.close()

    def drain(self) -> None:
        """Send no more requests; those under way may end."""
        self._is_draining = True
        for gate in self._gates.values():
            gate.is_draining = True

    def is_dead(self, llm: LLM) -> bool:
        """Whether no request to this model's endpoint can succeed any more."""
        gate = self._gates.get(llm.endpoint)
        return gate is not None and gate.is_dead

    def line(self, llm: LLM, step: str, used: Callable[[Completion], None]) -> Line:
        """How a step asks this model. `used` is told of every answer that was paid for now."""
        gate = self._gates.get(llm.endpoint)
        if gate is None:
            gate = self._gates[llm.endpoint] = Gate(llm.endpoint, llm.max_concurrency)
            gate.is_draining = self._is_draining
        return Line(gate, None if llm.is_free else self._journal, llm, step, used)


class Line:
    """The way from one step to its model, past journal and gate."""

    def __init__(self, gate: Gate, journal: Journal | None, llm: LLM, step: str, used: Callable[[Completion], None]) -> None:
        self._gate = gate
        self._journal = journal
        self._llm = llm
        self._step = step
        self._used = used
        self._model = identity_of(llm)

    def of(self, row_id: str, row_key: bytes, retried: int = 0) -> Ask:
        """How one row asks. What it asked in an earlier session is answered from the journal.

        `retried`: how often it is tried again because a reply was no good; each time it is asked anew.
        """
        asker = Asker(self._model, self._step, row_key)
        asked: dict[bytes, int] = {}

        async def ask(request: Request) -> Completion:
            if self._journal is None:
                completion = await self._gate.send(self._llm, request)
            else:
                key = asker.key(request, 0)
                asked[key] = before = asked.get(key, retried - 1) + 1
                completion = await self._through(self._journal, asker.key(request, before) if before else key, row_id, request)
            if len(completion.texts) < request.n:
                raise BadReply(f"the server sent {len(completion.texts)} of {request.n} replies", "ask for fewer per request")
            return completion

        return ask

    async def _through(self, journal: Journal, key: bytes, row_id: str, request: Request) -> Completion:
        kept = journal.get(key)
        if kept is not None:
            return kept

        async def keep(completion: Completion, seconds: float, attempts: int) -> None:
            model, now = self._llm.model_name, time.time()
            asked = (request.chat, request.n, request.schema)
            await journal.keep(key, Entry(self._step, row_id, model, *asked, completion, now, seconds, attempts))

        completion = await self._gate.send(self._llm, request, keep)
        self._used(completion)
        return completion
