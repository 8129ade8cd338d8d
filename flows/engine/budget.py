"""Keeps what a run uses under its cap: a request leaves only when it fits.

What is spent, by all sessions, and what the requests under way may use must stay below the cap. A request may use its prompt
and a reply of `max_new_tokens`, and what servers count beyond that, as the replies of its step show. Without such a limit,
all it may use is learnt from them: their mean and two standard deviations. The first ones may be short by chance, so only few
are under way then. When nothing is under way and nothing fits any more, the budget is used up.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from flows.engine.caps import Caps
from flows.engine.not_sent import NotSent
from flows.engine.spread import Spread
from flows.engine.tally import Tally, money
from steps.errors import RunError
from steps.llms.base import Request, Responder
from steps.llms.prices import MILLION, Price

FIRST_REQUESTS = 4
"""How many requests of a step may be under way before its first reply."""
REPLIES_TO_TRUST = 8
"""Replies after which it is believed that requests use no more than they may: servers also count thoughts and schemas."""
REQUESTS_PER_REPLY = 2
"""How many more for each reply."""
BYTES_PER_TOKEN = 3
"""Of prompts, on the safe side: English has about four."""
BYTES_OF_PICTURE = 1500 * BYTES_PER_TOKEN
ROUNDING = 1e-9


class Amount(NamedTuple):
    """USD and tokens."""

    cost: float = 0.0
    tokens: float = 0.0


class Purpose(NamedTuple):
    """What a request is for: the step, and the model it asks."""

    step: str
    model: str


class Purse(Protocol):
    """Where a request asks whether it may leave, and tells what it used."""

    async def hold(self, purpose: Purpose, ceiling: Amount | None, *, is_free: bool) -> int:
        """Wait until a request fits; returns the number by which to settle it. It uses `ceiling` at most, if that is known.

        Raises:
            NotSent: It never will.
        """

    def settle(self, number: int, used: Tally | None) -> None:
        """The request is over. `used` is None when it got no reply."""

    def drain(self) -> None:
        """Let nobody wait any longer: the run is ending."""


@dataclass(slots=True)
class _Line:
    """The requests of one step to one model: what they used, and those that wait."""

    cost: Spread = field(default_factory=Spread)
    tokens: Spread = field(default_factory=Spread)
    is_free: bool = False
    is_trusted: bool = False
    """Its ceilings count before replies have shown that they hold."""
    under_way: int = 0
    waiting: deque[tuple[Amount | None, asyncio.Future[int]]] = field(default_factory=deque)

    def add(self, used: Tally) -> None:
        self.cost.add(used.known_cost)
        self.tokens.add(used.tokens)

    def expect(self, ceiling: Amount | None) -> Amount | None:
        """What a request may use; None when nothing is known about it."""
        if not self.tokens.count:
            return ceiling
        learnt = Amount(_most(self.cost), _most(self.tokens))
        if ceiling is None:
            return learnt
        return Amount(max(ceiling.cost, learnt.cost), max(ceiling.tokens, learnt.tokens))  # some count more than they may send

    def may_be_under_way(self) -> int:
        """How many requests may be under way before `REPLIES_TO_TRUST` have told what they use."""
        return FIRST_REQUESTS + REQUESTS_PER_REPLY * self.tokens.count


def _most(seen: Spread) -> float:
    return seen.mean * (1 + 2 / seen.count) + 2 * seen.deviation


class UsedUp(NamedTuple):
    """The end of a budget: the option that would raise it, and what happened in words."""

    option: Literal["max_cost", "max_tokens"]
    message: str
    enough: float
    """A cap to go on with: the one that was used up, doubled until more than one further request fits."""


class Budget:
    """The budget of one run. `used_up` is told, once, that nothing can be asked any more."""

    def __init__(self, caps: Caps, used_up: Callable[[UsedUp], None]) -> None:
        self._caps = caps
        self._used_up = used_up
        self._is_over = False
        self._spent = Amount()
        self._lines: dict[Purpose, _Line] = {}
        self._held: dict[int, tuple[Purpose, Amount]] = {}
        self._under_way = Amount()
        self._numbers = 0

    def remember(self, purpose: Purpose, used: Tally) -> None:
        """A request was answered, now or in an earlier session."""
        self._spent = _sum(self._spent, Amount(used.known_cost, used.tokens))
        self._line(purpose).add(used)

    def drain(self) -> None:
        """Let nobody wait any longer: the run is ending."""
        self._is_over = True
        for line in self._lines.values():
            for _, turn in line.waiting:
                if not turn.done():
                    turn.set_exception(NotSent())
            line.waiting.clear()

    def owe(self, purpose: Purpose, amount: Amount) -> int:
        """Count what requests may use that an earlier session sent; returns the number by which to settle them."""
        return self._take(purpose, self._line(purpose), amount)

    async def hold(self, purpose: Purpose, ceiling: Amount | None, *, is_free: bool, is_trusted: bool = False) -> int:
        """As `Purse.hold`. `is_trusted`: the ceiling counts without a trial: nothing can be learnt before all have left."""
        if self._is_over:
            raise NotSent
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        line = self._line(purpose)
        line.is_free, line.is_trusted = is_free, is_trusted
        line.waiting.append((ceiling, turn))
        self._admit()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the same moment
                self.settle(turn.result(), None)
            raise

    def settle(self, number: int, used: Tally | None) -> None:
        purpose, expected = self._held.pop(number)
        self._under_way = _sum(self._under_way, expected, -1) if self._held else Amount()
        line = self._line(purpose)
        line.under_way -= 1
        if used is not None:
            self.remember(purpose, used)
            is_counted = used.tokens or (self._caps.tokens is None and not used.unpriced)
            if not is_counted and self._limits(line):
                what = f"step {purpose.step!r}: the server of {purpose.model!r} does not say how many tokens it used"
                raise RunError(f"{what}, so no budget can be kept", "run it without --max-cost and --max-tokens")
        self._admit()

    # ---- who may leave
    def _line(self, purpose: Purpose) -> _Line:
        return self._lines.setdefault(purpose, _Line())

    def _admit(self) -> None:
        """Let go whoever fits; if nobody does and nobody is under way, it is over."""
        if self._is_over:
            return
        for purpose, line in self._lines.items():
            while line.waiting and (line.waiting[0][1].done() or self._fits(line)):
                ceiling, turn = line.waiting.popleft()
                if not turn.done():
                    turn.set_result(self._take(purpose, line, line.expect(ceiling)))
        if not self._held and any(line.waiting for line in self._lines.values()):
            used_up = self._in_words()
            self.drain()
            self._used_up(used_up)

    def _take(self, purpose: Purpose, line: _Line, expected: Amount | None) -> int:
        self._numbers += 1
        line.under_way += 1
        self._held[self._numbers] = (purpose, expected or Amount())
        self._under_way = _sum(self._under_way, expected or Amount())
        return self._numbers

    def _limits(self, line: _Line) -> bool:
        """Whether any cap counts the requests of this line."""
        return self._caps.tokens is not None or not line.is_free

    def _fits(self, line: _Line) -> bool:
        if not self._limits(line):
            return True
        ceiling, _ = line.waiting[0]
        is_known = ceiling is not None and (line.is_trusted or line.tokens.count >= REPLIES_TO_TRUST)
        if not is_known and line.under_way >= line.may_be_under_way():
            return False
        expected = line.expect(ceiling)
        caps, committed = self._caps, _sum(self._spent, self._under_way)
        cost, tokens = expected or Amount()
        fits_cost = caps.cost is None or line.is_free or _has_room(caps.cost, committed.cost, cost)
        return fits_cost and (caps.tokens is None or _has_room(caps.tokens, committed.tokens, tokens))

    # ---- the end
    def _in_words(self) -> UsedUp:
        waiting = [line for line in self._lines.values() if line.waiting]
        expected = [found for line in waiting if (found := line.expect(line.waiting[0][0])) is not None]
        caps, spent = self._caps, self._spent
        cost = min((amount.cost for amount in expected if amount.cost), default=0.0)
        if caps.cost is not None and not _has_room(caps.cost, spent.cost, cost):
            more = f", the next request may cost {money(cost)}" if cost else ""
            message = f"the budget of {money(caps.cost)} is used up ({money(spent.cost)} spent{more})"
            return UsedUp("max_cost", message, _enough(caps.cost, spent.cost + cost))
        assert caps.tokens is not None
        tokens = min((amount.tokens for amount in expected), default=0.0)
        more = f", the next request may take {math.ceil(tokens):,}" if tokens else ""
        message = f"the budget of {caps.tokens:,} tokens is used up ({spent.tokens:,.0f} used{more})"
        return UsedUp("max_tokens", message, _enough(caps.tokens, spent.tokens + tokens))


def _enough(cap: float, needed: float) -> float:
    """The cap, doubled until there is room beyond what one more request needs."""
    enough = 2 * cap
    while enough < 1.5 * needed:
        enough *= 2
    return enough


def _sum(amount: Amount, other: Amount, sign: int = 1) -> Amount:
    return Amount(amount.cost + sign * other.cost, amount.tokens + sign * other.tokens)


def _has_room(cap: float, committed: float, more: float) -> bool:
    return committed < cap and committed + more <= cap * (1 + ROUNDING)


def ceiling_of(llm: Responder, price: Price | None, request: Request) -> Amount | None:
    """The most that a request can use; None when nothing limits the length of its reply."""
    longest = llm.longest_reply
    if longest is None:
        return None
    prompt = sum(_bytes_of(message.get("content")) for message in request.chat) / BYTES_PER_TOKEN
    output = longest * request.n
    cost = (prompt * price.input + output * price.output) / MILLION if price else 0.0
    return Amount(cost, prompt + output)


def _bytes_of(content: Any) -> int:
    """Size of a message; of a picture in it what it is charged as, about."""
    if isinstance(content, list):
        return sum(_bytes_of(part.get("text")) or BYTES_OF_PICTURE for part in content if isinstance(part, dict))
    return len(content.encode("utf-8", "surrogatepass")) if isinstance(content, str) else 0
