"""Questions of several rows in one request: they wait a moment for each other, and each gets its own part of the reply.

The chat of such a request has a message for each row, and its reply a text for each, in the same order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

from steps.errors import LLMError, NetworkFailed, RateLimited, ServerFailed
from steps.llms.base import Completion, Request, Responder, Usage

WAIT_S = 0.010
"""How long a question waits for others."""

About = TypeVar("About")


@dataclass(slots=True, eq=False)
class Rider(Generic[About]):
    """The question of one row, under way with others. `about` is what the sender has to know of it."""

    request: Request
    about: About
    reply: asyncio.Future[Completion]

    @property
    def chars(self) -> int:
        return sum(len(str(message.get("content") or "")) for message in self.request.chat)


Riders = Sequence[Rider[About]]
Send = Callable[[Request, Riders[About]], Awaitable[Sequence[Completion]]]
"""Sends one request for all of these; returns what each of them got (`parts_of`)."""


class Bundles(Generic[About]):
    """Puts questions to one model together, and parts those that a server refuses until the one at fault stands alone.

    A server that fails at whatever it is sent is found out by five requests: the whole, both halves, and a text of each alone.
    """

    def __init__(self, llm: Responder, send: Send[About]) -> None:
        self._most_rows = llm.rows_per_request
        self._most_chars = llm.chars_per_request
        self._at_once = llm.most_in_flight
        """With so many requests under way further questions wait for company, since they have to wait anyway."""
        self._send = send
        self._waiting: list[Rider[About]] = []
        self._chars = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_due = False
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, request: Request, about: About) -> Completion:
        """The reply to one question.

        Raises:
            LLMError: The server refused it, also alone.
        """
        loop = asyncio.get_running_loop()
        rider = Rider(request, about, loop.create_future())
        if self._chars + rider.chars > self._most_chars:
            self._leave()
        self._waiting.append(rider)
        self._chars += rider.chars
        if len(self._waiting) >= self._most_rows:
            self._leave()
        elif self._timer is None:
            self._timer = loop.call_later(WAIT_S, self._leave_if_it_may)
        return await rider.reply

    def _leave_if_it_may(self) -> None:
        if len(self._under_way) < self._at_once:
            self._leave()
        else:
            self._is_due = True

    def _leave(self) -> None:
        self._is_due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        riders, self._waiting, self._chars = [one for one in self._waiting if not one.reply.done()], [], 0
        if not riders:
            return
        task = asyncio.create_task(self._carry(riders))
        self._under_way.add(task)
        task.add_done_callback(self._arrived)

        def give_up_if_nobody_waits(_: asyncio.Future[Completion]) -> None:
            if all(rider.reply.cancelled() for rider in riders):
                task.cancel()

        for rider in riders:
            rider.reply.add_done_callback(give_up_if_nobody_waits)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._is_due:
            self._leave()

    async def _carry(self, riders: Riders[About]) -> None:
        if (error := await self._refusal(riders)) is not None:
            await self._part(riders, error)

    async def _refusal(self, riders: Riders[About]) -> Exception | None:
        """Ask for all of them at once, and give each its reply; or why there is none."""
        first = riders[0].request
        request = first if len(riders) == 1 else replace(first, chat=[one for rider in riders for one in rider.request.chat])
        try:
            replies = await self._send(request, riders)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            return error
        for rider, reply in zip(riders, replies, strict=True):
            if not rider.reply.done():
                rider.reply.set_result(reply)
        return None

    async def _part(self, riders: Riders[About], error: Exception, *, works: bool = False) -> None:
        """Ask again for halves of what was refused. `works`: others that travelled with it show that the server does."""
        riders = [one for one in riders if not one.reply.done()]
        if len(riders) < 2 or not _may_be_of_one(error):
            _tell(riders, error)
            return
        middle = len(riders) // 2
        halves = riders[:middle], riders[middle:]
        errors = await asyncio.gather(*map(self._refusal, halves))
        works = works or not all(isinstance(one, ServerFailed) for one in errors) or not await self._fails_at_all(halves)
        if not works:
            _tell(riders, error)
            return
        refused = [(half, one) for half, one in zip(halves, errors, strict=True) if one is not None]
        await asyncio.gather(*(self._part(half, one, works=True) for half, one in refused))

    async def _fails_at_all(self, failed: Sequence[Riders[About]]) -> bool:
        """Whether a server that failed at these also fails at a single text of each: the shortest, the least likely reason."""
        for riders in failed:
            if len(riders) > 1 and not isinstance(await self._refusal([min(riders, key=lambda one: one.chars)]), _OF_SERVERS):
                return False
        return True


_OF_SERVERS = (ServerFailed, NetworkFailed, RateLimited)


def _may_be_of_one(error: Exception) -> bool:
    """Whether a single question may have been the reason: a server that is gone, or busy, is so for all of them."""
    return isinstance(error, LLMError) and not error.is_fatal and not isinstance(error, (NetworkFailed, RateLimited))


def _tell(riders: Riders[About], error: Exception) -> None:
    for rider in riders:
        if not rider.reply.done():
            rider.reply.set_exception(error)


def parts_of(completion: Completion, riders: Sequence[Rider[About]]) -> list[Completion]:
    """What each of them got: its text, and its share of the tokens, by the length of its question.

    Raises:
        ServerFailed: There is not one text for each.
    """
    if len(completion.texts) != len(riders):
        what = f"{completion.model_name} gave {len(completion.texts)} replies to {len(riders)} texts"
        raise ServerFailed(what, "lower `inputs_per_request`, and look at the server's log")
    sizes = [rider.chars + 1 for rider in riders]
    ends = [0, *accumulate(sizes)]

    def shares(total: int) -> list[int]:
        return [total * end // ends[-1] - total * begin // ends[-1] for begin, end in pairwise(ends)]

    used = completion.usage
    counts = zip(
        *map(shares, (used.input_tokens, used.output_tokens, used.cached_input_tokens, used.reasoning_tokens)), strict=True
    )
    return [
        Completion([text], completion.model_name, Usage(*count), headers=completion.headers)
        for text, count in zip(completion.texts, counts, strict=True)
    ]
