"""The way to one endpoint: what may pass is repeated, a server that is gone is waited for, one without hope ends the run."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, replace

from flows.engine import breaker
from flows.engine.breaker import Breaker
from flows.engine.limits import read_limits
from flows.engine.not_sent import NotSent
from flows.engine.notices import Notice, Tell, tell_nobody
from flows.engine.turns import Caller, Lane, Turn, Turns
from steps.errors import AuthFailed, EndpointDown, LLMError, NetworkFailed, RateLimited, ServerFailed, Unreachable
from steps.llms.base import Completion, Request, Responder

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
ROWS_BEFORE_DOWN = 5
"""Rows in a row that used up their attempts, without one success between them, before the server counts as down."""
REFUSING_S = 600.0
"""How long a server may refuse everything before it counts as down; also the longest `Retry-After` that is waited for."""
FEW = 8
"""When no more requests than these are left, and others got replies before, they are given up then; the run goes on."""
REFUSING_SAID_S = 30.0
"""After how long it is said that a server refuses everything."""
REFUSALS_PER_ROW = 10
"""Refusals use up no attempts, since they are no failures; but a request that is too large for a limit is refused for ever.
So it is given up when it was refused more often than this, and for `REFUSED_S`, while others got replies in between."""
REFUSED_S = 180.0
PATIENT_REFUSALS = 3
"""After these it asks less and less often, and after the others: each refusal slows all of them down."""

Keep = Callable[[Completion, float, int], Awaitable[None]]
"""Puts an answer in safety: (answer, seconds it took, attempts)."""


@dataclass(slots=True)
class Tries:
    """What has become of a request so far."""

    number: int
    attempts: int = 0
    failures: int = 0
    all_refusals: int = 0
    refusals: int = 0
    """Those since whose predecessor somebody else got a reply."""
    refused_since: float = math.inf
    refused_at: float = math.inf
    outages: int = 0
    """Outages of the server when it last failed: failures before one do not count after it."""


class Gate:
    """All requests of a process to one endpoint."""

    def __init__(self, endpoint: str, tell: Tell = tell_nobody) -> None:
        self.endpoint = endpoint
        self._tell = tell
        self._numbers = itertools.count(1)
        self._over = asyncio.Event()
        self._fatal: LLMError | None = None
        self._is_draining = False
        self._breaker = Breaker()
        self._turns = Turns(self._breaker)
        self._given_up_in_a_row = 0
        self._answered_at = -math.inf
        self._sending = 0
        self._refusing_since: float | None = None
        self._has_said_refusing = False
        self._last_retired: AuthFailed | None = None

    @property
    def is_dead(self) -> bool:
        """Whether no request can succeed any more."""
        return self._fatal is not None

    def caller(self, llm: Responder) -> Caller:
        """One more step that asks here."""
        caller = self._turns.caller(llm)
        if self._last_retired is not None and all(lane.is_retired for lane in caller.lanes):
            self._die(_no_key_left(caller, self._last_retired))
        return caller

    def hold(self) -> None:
        """Send no requests until `go_on`; those under way may end."""
        self._turns.hold()

    def go_on(self) -> None:
        """Send requests again. How long the server was seen to refuse or be gone is counted from now on."""
        now = time.monotonic()
        self._breaker.restart(now)
        self._refusing_since = now if self._refusing_since is not None else None
        self._turns.go_on()

    def drain(self) -> None:
        """Send no more requests; those under way may end."""
        self._is_draining = True
        self._end_waiting(NotSent())

    async def send(self, caller: Caller, request: Request, keep: Keep | None = None) -> Completion:
        """Ask until there is an answer or no hope of one.

        The request counts as under way until `keep` has put the answer in safety.

        Raises:
            LLMError: `attempts` on it says how often it was tried.
            EndpointDown: No server is there; the run should stop.
            NotSent: The run is ending.
        """
        self._sending += 1
        try:
            return await self._send(caller, request, keep)
        finally:
            self._sending -= 1

    async def _send(self, caller: Caller, request: Request, keep: Keep | None) -> Completion:
        tries = Tries(next(self._numbers), outages=self._breaker.outages)
        tokens = caller.estimate.of(request)
        while True:
            self._look()
            turn = await self._turns.take(caller, tries.number, tokens, is_late=tries.all_refusals > PATIENT_REFUSALS)
            tries.attempts += 1
            begin = time.monotonic()
            try:
                asked = replace(request, account=turn.account) if turn.account else request
                completion = await caller.llm.complete(asked)
                self._answered(turn, completion, caller.estimate.learn(request, completion))
                if keep is not None:
                    await keep(completion, time.monotonic() - begin, tries.attempts)
                return completion
            except LLMError as error:
                error.seconds = time.monotonic() - begin
                pause = self._failed(caller, turn, tries, error)
            finally:
                self._turns.release(caller, turn)
            if pause:
                await self._pause(pause)

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
        self._turns.end(error)

    # ---- what came back
    def _answered(self, turn: Turn, completion: Completion, tokens_used: float | None) -> None:
        limits = read_limits(completion.headers) if completion.headers else None
        turn.lane.limiter.replied(time.monotonic(), turn.ticket, limits, tokens_used)
        self._is_there(turn)
        self._answered_at = time.monotonic()
        self._given_up_in_a_row = 0
        if self._refusing_since is not None:
            self._refusing_since = None
            if self._has_said_refusing:
                self._has_said_refusing = False
                self._tell(Notice("over", self.endpoint, f"{self.endpoint} takes requests again: the run goes on"))

    def _failed(self, caller: Caller, turn: Turn, tries: Tries, error: LLMError) -> float:
        """Seconds until a request that failed asks for its turn again.

        Raises:
            LLMError: Another attempt would not help.
        """
        is_outage = isinstance(error, Unreachable) or (self._breaker.is_open and isinstance(error, NetworkFailed))
        if is_outage:
            self._is_gone(turn, error)
        elif not isinstance(error, NetworkFailed):
            self._is_there(turn)
        if tries.outages != self._breaker.outages:
            tries.outages, tries.failures = self._breaker.outages, 0
        pause = 0.0
        is_hopeless = not error.is_retryable
        if isinstance(error, RateLimited):
            pause = self._was_refused(turn, error)
            if caller.may_go_elsewhere(turn.lane, time.monotonic()):
                pause = 0.0
            is_hopeless = self._refuses_for_ever(tries)
            if tries.refusals > PATIENT_REFUSALS:
                pause = max(pause, pause_s(tries.refusals - PATIENT_REFUSALS))
        elif isinstance(error, AuthFailed) and len(caller.lanes) > 1:
            self._retire(turn.lane, error)
            is_hopeless = False
        elif error.is_retryable and not (self._breaker.is_open and is_outage):
            tries.failures += 1
            pause = max(pause_s(tries.failures), min(error.retry_after_s or 0.0, REFUSING_S))
            is_hopeless = tries.failures > caller.llm.max_retries
        if is_hopeless or self._fatal is not None:
            error.attempts = tries.attempts
            verdict = self._verdict(error, tries.attempts)
            raise verdict from (error if verdict is not error else None)
        return pause

    def _refuses_for_ever(self, tries: Tries) -> bool:
        """Whether it is this request that the server refuses, not all of them; one more refusal of it is noted."""
        now = time.monotonic()
        tries.all_refusals += 1
        if self._answered_at > tries.refused_at:
            tries.refusals += 1
            tries.refused_since = min(tries.refused_since, now)
        tries.refused_at = now
        if tries.refusals > REFUSALS_PER_ROW and now - tries.refused_since > REFUSED_S:
            return True
        return self._refuses_the_last() and self._refusing_s(now) > REFUSING_S

    def _refuses_the_last(self) -> bool:
        """Whether only a few requests are left, and others got replies before: they may be too large for a limit."""
        return self._sending <= FEW and self._answered_at > -math.inf

    def _refusing_s(self, now: float) -> float:
        return now - self._refusing_since if self._refusing_since is not None else 0.0

    def _is_there(self, turn: Turn) -> None:
        """The server answered, whatever it said."""
        gone_s = self._breaker.lasts_s(time.monotonic())
        if self._breaker.answered(turn.request):
            self._tell(Notice("over", self.endpoint, f"{self.endpoint} answers again after {gone_s:.0f} s: the run goes on"))

    def _is_gone(self, turn: Turn, error: LLMError) -> None:
        """No connection can be made, or leads to nobody. A server that has been there before is waited for, for a while."""
        now = time.monotonic()
        if self._breaker.unreachable(now, turn.request):
            text = (
                f"waiting for {self.endpoint}: it does not answer ({error.message}); it is tried again after a second, then "
                f"less often, at least every {breaker.LONGEST_PAUSE_S:.0f} s; stop keeps what is finished"
            )
            self._tell(Notice("waiting", self.endpoint, text))
        if self._breaker.lasts_s(now) > breaker.PATIENCE_S:
            self._die(
                EndpointDown(
                    f"{self.endpoint} has not answered for {breaker.PATIENCE_S / 60:.0f} minutes: {error.message}",
                    error.fix or "start or check the server",
                )
            )

    def _was_refused(self, turn: Turn, error: RateLimited) -> float:
        """Seconds that this request waits before it asks for its turn again."""
        now = time.monotonic()
        self._refusing_since = self._refusing_since or now
        refusing_s = self._refusing_s(now)
        if refusing_s > REFUSING_S and not self._refuses_the_last():
            self._die(
                EndpointDown(
                    f"{self.endpoint} has refused every request for {REFUSING_S / 60:.0f} minutes: {error.message}",
                    "check the limits of your account",
                )
            )
        elif max(refusing_s, error.retry_after_s or 0.0) > REFUSING_SAID_S and not self._has_said_refusing:
            self._has_said_refusing = True
            text = f"waiting for {self.endpoint}: it refuses every request ({error.message}); stop keeps what is finished"
            self._tell(Notice("waiting", self.endpoint, text))
        retry_after_s = None if error.retry_after_s is None else min(error.retry_after_s, REFUSING_S)
        limits = read_limits(error.headers) if error.headers else None
        return turn.lane.limiter.refused(now, turn.ticket, retry_after_s, limits)

    def _retire(self, lane: Lane, error: AuthFailed) -> None:
        """The server takes nothing with this key any more; the others go on, where there are any."""
        if lane.is_retired:
            return
        lane.is_retired = True
        self._last_retired = error
        self._tell(Notice("warning", self.endpoint, f"the key in {lane.account.name} is not used any more: {error.message}"))
        for caller in self._turns.callers:
            if all(lane.is_retired for lane in caller.lanes):
                self._die(_no_key_left(caller, error))
                return

    def _verdict(self, error: LLMError, attempts: int) -> LLMError:
        """The error of this row, or of all."""
        if self._fatal is not None and error.usage is None:  # what was paid for is told
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
        self._fatal = error if error.usage is None else copy(error)  # what it used counts once, for the request that used it
        self._end_waiting(self._fatal)


def _no_key_left(caller: Caller, last: AuthFailed) -> AuthFailed:
    names = ", ".join(lane.account.name for lane in caller.lanes)
    return AuthFailed(f"none of the keys in {names} is accepted any more; the last answer: {last.message}", last.fix)


def pause_s(failure: int) -> float:
    """Seconds to wait after the n-th failure: doubling, with jitter."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (failure - 1))
