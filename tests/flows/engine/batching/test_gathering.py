"""When requests leave for a batch together."""

from __future__ import annotations

import asyncio
import time

from flows.engine.batching.gathering import PATIENCE, Gathering
from steps.providers import Batching

PAUSE_S = 0.05


class _Gathered:
    def __init__(self, most: int = 100, most_bytes: int = 1000, under_way: int = 0) -> None:
        self.left: list[list[int]] = []
        self.at: list[float] = []
        self.may_go = asyncio.Event()
        self.may_go.set()
        batching = Batching("openai", most, most_bytes)
        self.gathering: Gathering[int] = Gathering(batching, PAUSE_S, self._let_go, self.may_go, lambda: under_way)

    def _let_go(self, gathered: list[int]) -> None:
        self.left.append(gathered)
        self.at.append(time.monotonic())

    def add(self, *numbers: int, size: int = 10) -> None:
        for number in numbers:
            self.gathering.add(number, size)

    async def until(self, batches: int) -> None:
        async with asyncio.timeout(10):
            while len(self.left) < batches:
                await asyncio.sleep(0.005)


def test_they_leave_once_nothing_has_come_for_a_while() -> None:
    async def gather() -> list[list[int]]:
        found = _Gathered()
        found.add(1, 2)
        await asyncio.sleep(PAUSE_S / 2)
        found.add(3)
        await found.until(1)
        found.add(4)
        await found.until(2)
        return found.left

    assert asyncio.run(gather()) == [[1, 2, 3], [4]]


def test_as_many_as_a_batch_holds_leave_at_once() -> None:
    async def gather() -> list[list[int]]:
        found = _Gathered(most=3)
        found.add(*range(7))
        return found.left

    assert asyncio.run(gather()) == [[0, 1, 2], [3, 4, 5]]


def test_a_batch_has_no_more_bytes_than_it_may() -> None:
    async def gather() -> list[list[int]]:
        found = _Gathered(most_bytes=100)
        found.add(1, 2, size=40)
        found.add(3, size=60)
        await found.until(2)
        return found.left

    assert asyncio.run(gather()) == [[1, 2], [3]]


def test_who_came_first_does_not_wait_for_ever_where_others_come_steadily() -> None:
    async def gather() -> float:
        found, begin = _Gathered(most=10**6, most_bytes=10**9), time.monotonic()
        while not found.left:
            found.add(1)
            await asyncio.sleep(PAUSE_S / 5)
        return found.at[0] - begin

    assert asyncio.run(gather()) < 1.5 * PATIENCE * PAUSE_S


def test_they_wait_longer_while_batches_are_under_way() -> None:
    async def gather() -> float:
        found, begin = _Gathered(under_way=3), time.monotonic()
        found.add(1)
        await found.until(1)
        return found.at[0] - begin

    assert asyncio.run(gather()) >= 8 * PAUSE_S


def test_none_leave_while_the_run_is_paused() -> None:
    async def gather() -> tuple[int, list[list[int]]]:
        found = _Gathered(most=2)
        found.may_go.clear()
        found.add(1, 2, 3)
        await asyncio.sleep(3 * PAUSE_S)
        before = len(found.left)
        found.may_go.set()
        await found.until(2)
        return before, found.left

    assert asyncio.run(gather()) == (0, [[1, 2], [3]])


def test_a_smaller_batch_that_a_provider_wants_is_kept_to() -> None:
    async def gather() -> list[list[int]]:
        found = _Gathered()
        found.gathering.take_at_most(2)
        found.add(*range(5))
        await found.until(3)
        return found.left

    assert asyncio.run(gather()) == [[0, 1], [2, 3], [4]]
