from __future__ import annotations

import asyncio
import threading
from collections.abc import Hashable, Sequence
from typing import Any

import pytest

from steps.errors import BadRequest, OutOfMemory
from steps.local import sharing
from steps.local.engine import Asked, Generated
from steps.local.in_turn import Answered, InTurn


class Counting(InTurn):
    """Answers with how many were computed together; a question with `bad` in it cannot be answered."""

    def __init__(self, batch_size: int = 4) -> None:
        super().__init__("counting", batch_size)
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()
        self.is_released = False

    def goes_with(self, asked: Asked) -> Hashable:
        return asked.sampling.get("kind")

    def compute(self, batch: Sequence[Asked]) -> Sequence[Answered]:
        self.threads.add(threading.get_ident())
        texts = [str(asked.prompt) for asked in batch]
        self.batches.append(texts)
        if "explode" in texts:
            raise RuntimeError("CUDA out of memory")
        return [BadRequest("no") if "bad" in text else Generated([str(len(batch))]) for text in texts]

    def release(self) -> None:
        self.is_released = True


def question(text: str, kind: str | None = "a") -> Asked:
    return Asked([], {"kind": kind}, prompt=text)


async def ask(engine: Counting, *asked: Asked) -> list[Any]:
    answers = await asyncio.gather(*map(engine.answer, asked), return_exceptions=True)
    await engine.close()
    return answers


async def test_questions_that_wait_together_are_computed_together_and_the_loop_goes_on() -> None:
    engine = Counting()

    answers = await ask(engine, *(question(str(number)) for number in range(10)))

    assert [len(batch) for batch in engine.batches] == [4, 4, 2]
    assert [answer.texts for answer in answers] == [["4"]] * 8 + [["2"]] * 2
    assert engine.threads.isdisjoint({threading.get_ident()})
    assert engine.is_released


async def test_only_questions_that_go_together_share_a_batch_and_the_oldest_is_first() -> None:
    engine = Counting()

    await ask(engine, question("1"), question("2", "b"), question("3"), question("4", None), question("5", "b"))

    assert engine.batches == [["1", "3"], ["2", "5"], ["4"]]


async def test_one_bad_question_leaves_its_neighbours_alone() -> None:
    engine = Counting()

    first, bad, last = await ask(engine, question("1"), question("bad"), question("3"))

    assert isinstance(bad, BadRequest)
    assert (first.texts, last.texts) == (["3"], ["3"])


async def test_an_error_of_the_library_is_put_into_words_for_all_it_computed() -> None:
    answers = await ask(Counting(), question("explode"), question("2"), question("3", "b"))

    assert [type(answer) for answer in answers] == [OutOfMemory, OutOfMemory, Generated]


async def test_a_question_that_nobody_waits_for_any_more_is_not_computed() -> None:
    engine = Counting(batch_size=1)
    waiting = [asyncio.create_task(engine.answer(question(str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    waiting[2].cancel()
    await asyncio.gather(*waiting[:2])
    await engine.close()

    assert ["2"] not in engine.batches


async def test_users_share_an_engine_and_the_last_one_closes_it() -> None:
    made: list[Counting] = []

    async def start() -> Counting:
        made.append(Counting())
        return made[-1]

    one, other = await asyncio.gather(sharing.take("w", start), sharing.take("w", start))
    await sharing.give_back("w")
    assert one is other
    assert not made[0].is_released

    await sharing.give_back("w")
    assert made[0].is_released
    assert await sharing.take("w", start) is not one
    await sharing.give_back("w")


async def test_an_engine_that_could_not_be_started_is_tried_again() -> None:
    tries = 0

    async def start() -> Counting:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("not yet")
        return Counting()

    with pytest.raises(OSError, match="not yet"):
        await sharing.take("w", start)
    assert await sharing.take("w", start)
    await sharing.give_back("w")
