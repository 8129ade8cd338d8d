"""The way to one endpoint: requests leave as its limits allow, what may pass is repeated, a server that is gone is waited for.

Each step that asks is a `Caller`, each key a `Lane` with a limiter of its own. A caller has no more requests under way than
its model's `max_concurrency`; all callers together have as many as the largest of these says.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from flows.engine import breaker
from flows.engine.breaker import Breaker
from flows.engine.limiter import Limiter, Ticket
from flows.engine.limits import read_limits
from flows.engine.notices import Notice, Tell, tell_nobody
from flows.engine.tokens import TokenEstimate
from steps.errors import AuthFailed, EndpointDown, LLMError, NetworkFailed, RateLimited, ServerFailed, Unreachable
from steps.llms.base import LLM, Account, Completion, Request

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
ROWS_BEFORE_DOWN = 5
"""Rows in a row that used up their attempts, without one success between them, before the server counts as down."""
REFUSING_S = 600.0
"""How long a server may refuse everything before it counts as down; also the longest `Retry-After` that is waited for."""
REFUSING_SAID_S = 30.0
"""After how long it is said that a server refuses everything."""
REFUSALS_PER_ROW = 20
"""Refusals use up no attempts, since they are no failures; but a request that is too large for a limit is refused for ever."""

Keep = Callable[[Completion, float, int], Awaitable[None]]
"""Puts an answer in safety: (answer, seconds it took, attempts)."""


class NotSent(Exception):
    """The run is ending: this request was held back, and costs nothing."""


class Lane:
    """The requests with one key."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.limiter = Limiter(1)
        self.is_retired = False
        """The server takes nothing with this key any more."""


class Caller:
    """A step and its model. `lanes` are in the order of the model's accounts."""

    def __init__(self, llm: LLM, lanes: list[Lane]) -> None:
        self.llm = llm
        self.lanes = lanes
        self.held = 0
        self.waiting: deque[Waiting] = deque()
        self.estimate = TokenEstimate(llm.generation_kwargs.get("max_new_tokens"))


@dataclass(slots=True)
class Turn:
    """A request that may leave: by which lane, and the limiter's ticket."""

    request: int
    account: int
    lane: Lane
    ticket: Ticket


@dataclass(slots=True)
class Waiting:
    """A request that waits for its turn."""

    request: int
    tokens: float
    turn: asyncio.Future[Turn]


@dataclass(slots=True)
class Tries:
    """What has become of a request so far."""

    number: int
    attempts: int = 0
    failures: int = 0
    refusals: int = 0
    outages: int = 0
    """Outages of the server when it last failed: failures before one do not count after it."""


class Gate:
    """All requests of a process to one endpoint."""

    def __init__(self, endpoint: str, tell: Tell = tell_nobody) -> None:
        self.endpoint = endpoint
        self._tell = tell
        self._callers: deque[Caller] = deque()
        self._lanes: dict[str, Lane] = {}
        self._numbers = itertools.count(1)
        self._held = 0
        self._most = 0
        self._timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._fatal: LLMError | None = None
        self._is_draining = False
        self._breaker = Breaker()
        self._given_up_in_a_row = 0
        self._refusing_since: float | None = None
        self._has_said_refusing = False

    @property
    def is_dead(self) -> bool:
        """Whether no request can succeed any more."""
        return self._fatal is not None

    def caller(self, llm: LLM) -> Caller:
        """One more step that asks here."""
        accounts = llm.accounts
        lanes = [self._lanes.setdefault(account.identity, Lane(account)) for account in accounts]
        for lane in lanes:
            lane.limiter.allow(llm.max_concurrency, llm.requests_per_minute, llm.tokens_per_minute)
        self._most = max(self._most, llm.max_concurrency)
        caller = Caller(llm, lanes)
        self._callers.append(caller)
        return caller

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
        tries = Tries(next(self._numbers), outages=self._breaker.outages)
        tokens = caller.estimate.of(request)
        while True:
            turn = await self._turn(caller, tries.number, tokens)
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
                pause = self._failed(caller, turn, tries, error)
            finally:
                self._release(caller, turn)
            if pause:
                await self._pause(pause)

    # ---- turns
    async def _turn(self, caller: Caller, request: int, tokens: float) -> Turn:
        self._look()
        if not caller.waiting:
            now = time.monotonic()
            delay, lane = self._delay(caller, now, tokens)
            if delay == 0 and lane is not None:
                return self._take(caller, lane, now, request, tokens)
        turn: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        caller.waiting.append(Waiting(request, tokens, turn))
        self._pump()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the same moment
                self._release(caller, turn.result())
            raise

    def _delay(self, caller: Caller, now: float, tokens: float) -> tuple[float | None, Lane | None]:
        """As `Limiter.delay`, for the key that may be used soonest, and this key; of equals the one with least under way."""
        if self._held >= self._most or caller.held >= caller.llm.max_concurrency:
            return None, None
        if self._breaker.is_open and (wait := self._breaker.delay(now)) != 0:
            return wait, None
        soonest: float | None = None
        found: Lane | None = None
        for lane in caller.lanes:
            if lane.is_retired:
                continue
            delay = lane.limiter.delay(now, tokens)
            if delay is None:
                continue
            if (
                found is None
                or soonest is None
                or delay < soonest
                or (delay == soonest and lane.limiter.held < found.limiter.held)
            ):
                soonest, found = delay, lane
        return soonest, found

    def _take(self, caller: Caller, lane: Lane, now: float, request: int, tokens: float) -> Turn:
        self._breaker.sent(request)
        self._held += 1
        caller.held += 1
        account = caller.lanes.index(lane) if len(caller.lanes) > 1 else 0
        return Turn(request, account, lane, lane.limiter.sent(now, tokens))

    def _release(self, caller: Caller, turn: Turn) -> None:
        self._held -= 1
        caller.held -= 1
        turn.lane.limiter.released(turn.ticket)
        self._breaker.released(turn.request)
        self._pump()

    def _pump(self) -> None:
        """Let go whoever may, callers in turn; come again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        blocked, soonest = 0, None
        while blocked < len(self._callers):
            caller = self._callers[0]
            self._callers.rotate(-1)
            while caller.waiting and caller.waiting[0].turn.done():
                caller.waiting.popleft()
            blocked += 1
            if not caller.waiting:
                continue
            now = time.monotonic()
            head = caller.waiting[0]
            delay, lane = self._delay(caller, now, head.tokens)
            if delay == 0 and lane is not None:
                caller.waiting.popleft()
                head.turn.set_result(self._take(caller, lane, now, head.request, head.tokens))
                blocked = 0
            elif delay is not None:
                soonest = delay if soonest is None else min(soonest, delay)
        if soonest is not None:
            self._timer = asyncio.get_running_loop().call_later(soonest, self._pump)

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
        for caller in self._callers:
            for waiting in caller.waiting:
                if not waiting.turn.done():
                    waiting.turn.set_exception(error)
            caller.waiting.clear()

    # ---- what came back
    def _answered(self, turn: Turn, completion: Completion, tokens_used: float | None) -> None:
        limits = read_limits(completion.headers) if completion.headers else None
        turn.lane.limiter.replied(time.monotonic(), turn.ticket, limits, tokens_used)
        self._is_there(turn)
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
        if isinstance(error, Unreachable):
            self._is_gone(turn, error)
        elif not isinstance(error, NetworkFailed):
            self._is_there(turn)
        if tries.outages != self._breaker.outages:
            tries.outages, tries.failures = self._breaker.outages, 0
        pause = 0.0
        is_hopeless = not error.is_retryable
        if isinstance(error, RateLimited):
            tries.refusals += 1
            pause = self._was_refused(turn, error)
            is_hopeless = tries.refusals > REFUSALS_PER_ROW
        elif isinstance(error, AuthFailed) and len(caller.lanes) > 1:
            self._retire(turn.lane, error)
            is_hopeless = False
        elif error.is_retryable and not (self._breaker.is_open and isinstance(error, Unreachable)):
            tries.failures += 1
            pause = max(pause_s(tries.failures), min(error.retry_after_s or 0.0, REFUSING_S))
            is_hopeless = tries.failures > caller.llm.max_retries
        if is_hopeless or self._fatal is not None:
            error.attempts = tries.attempts
            raise self._verdict(error, tries.attempts) from error
        return pause

    def _is_there(self, turn: Turn) -> None:
        """The server answered, whatever it said."""
        gone_s = self._breaker.lasts_s(time.monotonic())
        if self._breaker.answered(turn.request):
            self._tell(Notice("over", self.endpoint, f"{self.endpoint} answers again after {gone_s:.0f} s: the run goes on"))

    def _is_gone(self, turn: Turn, error: Unreachable) -> None:
        """No connection can be made. A server that has been there before is waited for, for a while."""
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
                    f"{error.fix or 'start or check the server'}; then `distilflow resume` the run: what is finished is kept",
                )
            )

    def _was_refused(self, turn: Turn, error: RateLimited) -> float:
        """Seconds that this request waits before it asks for its turn again."""
        now = time.monotonic()
        self._refusing_since = self._refusing_since or now
        refusing_s = now - self._refusing_since
        if refusing_s > REFUSING_S:
            self._die(
                EndpointDown(
                    f"{self.endpoint} has refused every request for {REFUSING_S / 60:.0f} minutes: {error.message}",
                    "check the limits of your account",
                )
            )
        elif refusing_s > REFUSING_SAID_S and not self._has_said_refusing:
            self._has_said_refusing = True
            text = f"waiting for {self.endpoint}: it refuses every request ({error.message}); stop keeps what is finished"
            self._tell(Notice("waiting", self.endpoint, text))
        return turn.lane.limiter.refused(now, turn.ticket, error.retry_after_s)

    def _retire(self, lane: Lane, error: AuthFailed) -> None:
        """The server takes nothing with this key any more; the others go on, where there are any."""
        if lane.is_retired:
            return
        lane.is_retired = True
        self._tell(Notice("warning", self.endpoint, f"the key in {lane.account.name} is not used any more: {error.message}"))
        for caller in self._callers:
            if all(lane.is_retired for lane in caller.lanes):
                self._die(_no_key_left(caller, error))
                return

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


def _no_key_left(caller: Caller, last: AuthFailed) -> AuthFailed:
    names = ", ".join(lane.account.name for lane in caller.lanes)
    return AuthFailed(f"none of the keys in {names} is accepted any more; the last answer: {last.message}", last.fix)


def pause_s(failure: int) -> float:
    """Seconds to wait after the n-th failure: doubling, with jitter."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (failure - 1))
