"""Requests that wait for company: they leave together once a batch is full, or nothing has come for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from steps.providers import Batching

T = TypeVar("T")

MOST_AT_ONCE = 50_000
"""Requests of a batch, whatever the provider takes: their rows are in memory."""
MOST_BYTES = 200 * 10**6
PATIENCE = 60
"""Who came first waits so many pauses at most, however steadily others come."""
LONGEST = 6
"""The pause doubles with each batch that is under way, up to so many times: who comes now is late in any case."""


class Gathering(Generic[T]):
    """Gathers requests of one step to one model. `let_go` gets those that leave together."""

    def __init__(
        self,
        batching: Batching,
        pause_s: float,
        let_go: Callable[[list[T]], None],
        may_go: asyncio.Event,
        under_way: Callable[[], int],
    ) -> None:
        """`under_way`: how many batches have left and not come back."""
        self._most = min(batching.most_requests, MOST_AT_ONCE)
        self._most_bytes = min(batching.most_bytes, MOST_BYTES)
        self._pause_s = pause_s
        self._let_go = let_go
        self._may_go = may_go
        self._under_way = under_way
        self._gathered: list[T] = []
        self._bytes = 0
        self._first = self._last = 0.0
        self._watching: asyncio.Task[None] | None = None

    def take_at_most(self, count: int) -> None:
        """Let no more leave together from now on."""
        self._most = min(self._most, count)

    def add(self, one: T, size: int) -> None:
        """One more; `size` in bytes."""
        if self._gathered and self._bytes + size + 1 > self._most_bytes:
            self._leave()
        self._last = time.monotonic()
        if not self._gathered:
            self._first = self._last
        self._gathered.append(one)
        self._bytes += size + 1
        if len(self._gathered) >= self._most and self._may_go.is_set():
            self._leave()
        elif self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    def end(self) -> None:
        """Let nobody leave any more."""
        self._gathered = []
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        while self._gathered:
            pause_s = self._pause_s * 2 ** min(self._under_way(), LONGEST)
            due = min(self._last + pause_s, self._first + PATIENCE * pause_s)
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
                continue
            await self._may_go.wait()
            self._leave()
        self._watching = None

    def _leave(self) -> None:
        gathered, self._gathered, self._bytes = self._gathered, [], 0
        while gathered:
            self._let_go(gathered[: self._most])
            gathered = gathered[self._most :]
