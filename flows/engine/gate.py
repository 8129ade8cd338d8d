"""The way to one endpoint: requests leave as its limiter allows, what may pass is repeated, a dead server is noticed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable

from flows.engine.limiter import Limiter, Ticket
from flows.engine.limits import read_limits
from steps.errors import EndpointDown, LLMError, NetworkFailed, RateLimited, ServerFailed, Unreachable
from steps.llms.base import LLM, Completion, Request

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
ROWS_BEFORE_DOWN = 5
"""Rows in a row that used up their attempts, without one success between them, before the server counts as down."""
REFUSING_S = 600.0
"""How long a server may refuse everything with 429 before it counts as down."""
REFUSALS_PER_ROW = 20
"""Refusals use up no attempts, since they are no failures; but a request that is too large for a limit is refused for ever."""

Keep = Callable[[Completion, float, int], Awaitable[None]]
"""Puts an answer in safety: (answer, seconds it took, attempts)."""


class NotSent(Exception):
    """The run is ending: this request was held back, and costs nothing."""


class Gate:
    """All requests of a process to one endpoint."""

    def __init__(self, endpoint: str, max_concurrency: int) -> None:
        self.endpoint = endpoint
        self._limiter = Limiter(max_concurrency)
        self._waiting: deque[asyncio.Future[Ticket]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._fatal: LLMError | None = None
        self._is_draining = False
        self._given_up_in_a_row = 0
        self._refusing_since: float | None = None

    @property
    def is_dead(self) -> bool:
        """Whether no request can succeed any more."""
        return self._fatal is not None

    def drain(self) -> None:
        """Send no more requests; those under way may end."""
        self._is_draining = True
        self._end_waiting(NotSent())

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
            ticket = await self._turn()
            begin = time.monotonic()
            try:
                completion = await llm.complete(request)
                self._answered(ticket, completion)
                if keep is not None:
                    await keep(completion, time.monotonic() - begin, attempt)
                return completion
            except LLMError as error:
                if isinstance(error, RateLimited):
                    refusals += 1
                    pause = self._refused(ticket, error)
                else:
                    failures += 1
                    pause = pause_s(failures)
                is_hopeless = not error.is_retryable or failures > llm.max_retries or refusals > REFUSALS_PER_ROW
                if is_hopeless or self._fatal is not None:
                    error.attempts = attempt
                    raise self._verdict(error, attempt) from error
            finally:
                self._limiter.released(ticket)
                self._pump()
            await self._pause(pause)

    # ---- turns
    async def _turn(self) -> Ticket:
        self._look()
        if not self._waiting and self._limiter.delay(time.monotonic()) == 0:
            return self._limiter.sent(time.monotonic())
        turn: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._pump()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the same moment
                self._limiter.failed(time.monotonic(), turn.result())
                self._pump()
            raise

    def _pump(self) -> None:
        """Let go whoever may; come again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
                continue
            now = time.monotonic()
            delay = self._limiter.delay(now)
            if delay is None:
                return
            if delay > 0:
                self._timer = asyncio.get_running_loop().call_later(delay, self._pump)
                return
            self._waiting.popleft().set_result(self._limiter.sent(now))

    def _look(self) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self._is_draining:
            raise NotSent

    async def _pause(self, seconds: float) -> None:
        """Wait, unless it is over before that."""
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return
        self._look()

    def _end_waiting(self, error: Exception) -> None:
        self._over.set()
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()

    # ---- what came back
    def _answered(self, ticket: Ticket, completion: Completion) -> None:
        limits = read_limits(completion.headers) if completion.headers else None
        self._limiter.replied(time.monotonic(), ticket, limits)
        self._given_up_in_a_row = 0
        self._refusing_since = None

    def _refused(self, ticket: Ticket, error: RateLimited) -> float:
        """Seconds that this request waits before it asks for its turn again."""
        now = time.monotonic()
        self._refusing_since = self._refusing_since or now
        if now - self._refusing_since > REFUSING_S:
            self._die(
                EndpointDown(
                    f"{self.endpoint} has refused every request for {REFUSING_S / 60:.0f} minutes: {error.message}",
                    "check the limits of your account",
                )
            )
        return self._limiter.refused(now, ticket, error.retry_after_s)

    def _verdict(self, error: LLMError, attempts: int) -> LLMError:
        """The error of this row, or of all."""
        if self._fatal is not None:
            return self._fatal
        if isinstance(error, (NetworkFailed, ServerFailed)):
            self._given_up_in_a_row += 1
            if isinstance(error, Unreachable) or self._given_up_in_a_row >= ROWS_BEFORE_DOWN:
                error = EndpointDown(
                    f"{self.endpoint} does not answer: {error.message} ({attempts} attempts each)",
                    error.fix or "start or check the server",
                )
        if error.is_fatal:
            self._die(error)
        return error

    def _die(self, error: LLMError) -> None:
        self._fatal = error
        self._end_waiting(error)


def pause_s(failure: int) -> float:
    """Seconds to wait after the n-th failure: doubling, with jitter."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (failure - 1))
