"""Whose turn it is at an endpoint: each step in turn, by the key that may be used soonest.

Each step that asks is a `Caller`, each key a `Lane` with a limiter of its own. A caller has no more requests under way than
its model's `max_concurrency`; all callers together have as many as the largest of these says.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from flows.engine.breaker import Breaker
from flows.engine.limiter import Limiter, Ticket
from flows.engine.tokens import TokenEstimate
from steps.llms.base import Account, Responder


class Lane:
    """The requests with one key."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.limiter = Limiter(1)
        self.is_retired = False
        """The server takes nothing with this key any more."""


class Caller:
    """A step and its model. `lanes` are in the order of the model's accounts."""

    def __init__(self, llm: Responder, lanes: list[Lane]) -> None:
        self.llm = llm
        self.lanes = lanes
        self.held = 0
        self.waiting: deque[Waiting] = deque()
        self._newest = -1
        self.estimate = TokenEstimate(llm.longest_reply)

    def queue(self, one: Waiting, *, is_late: bool) -> None:
        """Let a request wait: behind all older ones, or behind all."""
        if is_late or one.request > self._newest:  # as most are: none has to be looked at
            self._newest = max(self._newest, one.request)
            self.waiting.append(one)
            return
        at = next((at for at, other in enumerate(self.waiting) if other.request > one.request), len(self.waiting))
        self.waiting.insert(at, one)

    def may_go_elsewhere(self, refused: Lane, now: float) -> bool:
        """Whether a request that was refused with one key may leave with another: then it need not wait for the first."""
        others = (lane for lane in self.lanes if lane is not refused and not lane.is_retired)
        return any(not lane.limiter.is_silent(now) for lane in others)


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


class Turns:
    """Lets requests to one endpoint leave, callers in turn, as fast as its limits allow."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._callers: deque[Caller] = deque()
        self._lanes: dict[str, Lane] = {}
        self._held = 0
        self._most = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_held = False

    @property
    def callers(self) -> list[Caller]:
        return list(self._callers)

    def caller(self, llm: Responder) -> Caller:
        """One more step that asks here."""
        accounts = llm.accounts
        lanes = [self._lanes.setdefault(account.identity, Lane(account)) for account in accounts]
        for lane in lanes:
            lane.limiter.allow(llm.most_in_flight, llm.requests_per_minute, llm.tokens_per_minute)
        self._most = max(self._most, llm.most_in_flight)
        caller = Caller(llm, lanes)
        self._callers.append(caller)
        return caller

    async def take(self, caller: Caller, request: int, tokens: float, *, is_late: bool = False) -> Turn:
        """Wait until a request may leave: its number, and the tokens that it will use.

        Older requests leave first; one that `is_late` waits for all that wait already.
        """
        if not caller.waiting:
            now = time.monotonic()
            delay, lane = self._delay(caller, now, tokens)
            if delay == 0 and lane is not None:
                return self._take(caller, lane, now, request, tokens)
        turn: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        caller.queue(Waiting(request, tokens, turn), is_late=is_late)
        self._pump()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the same moment
                self.release(caller, turn.result())
            raise

    def _delay(self, caller: Caller, now: float, tokens: float) -> tuple[float | None, Lane | None]:
        """As `Limiter.delay`, for the key that may be used soonest, and this key; of equals the one with least under way."""
        if self._is_held or self._held >= self._most or caller.held >= caller.llm.most_in_flight:
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

    def release(self, caller: Caller, turn: Turn) -> None:
        """A request is over, and its answer safe."""
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

    def hold(self) -> None:
        """Let nobody leave until `go_on`; who waits keeps the place."""
        self._is_held = True

    def go_on(self) -> None:
        """Let requests leave again."""
        self._is_held = False
        self._pump()

    def end(self, error: Exception) -> None:
        """Let nobody wait any longer."""
        for caller in self._callers:
            for waiting in caller.waiting:
                if not waiting.turn.done():
                    waiting.turn.set_exception(error)
            caller.waiting.clear()
