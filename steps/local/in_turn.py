"""Engines whose library blocks while it computes: a thread of their own works off what waits, several questions at a time."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from steps.errors import LLMError
from steps.local.engine import Asked, Engine, Generated
from steps.local.failures import cannot_answer

Answered = Generated | LLMError


@dataclass(slots=True, eq=False)
class _Waiting:
    asked: Asked
    answer: asyncio.Future[Generated]


class InTurn(Engine):
    """Works off questions one batch after the other, in one thread: those that wait and go together, the oldest first."""

    def __init__(self, model: str, batch_size: int = 1) -> None:
        self._model = model
        self._batch_size = batch_size
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "model")
        self._working: asyncio.Task[None] | None = None

    @abstractmethod
    def compute(self, batch: Sequence[Asked]) -> Sequence[Answered]:
        """Answer questions that go together; runs in the thread. What it raises is put into words, for all of them."""

    def goes_with(self, asked: Asked) -> Hashable:
        """Questions for which this is equal may be answered together; None goes with nothing."""
        return None

    async def answer(self, asked: Asked) -> Generated:
        waiting = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await waiting.answer

    async def _work(self) -> None:
        await asyncio.sleep(0)  # those that come in the same turn of the loop go along
        while batch := self._next():
            asked = [one.asked for one in batch]
            try:
                answers = await asyncio.get_running_loop().run_in_executor(self._thread, self.compute, asked)
            except Exception as error:
                answers = [cannot_answer(self._model, error)] * len(batch)
            for one, answer in zip(batch, answers, strict=True):
                if one.answer.done():  # nobody waits any more
                    continue
                if isinstance(answer, LLMError):
                    one.answer.set_exception(answer)
                else:
                    one.answer.set_result(answer)

    def _next(self) -> list[_Waiting]:
        while self._waiting and self._waiting[0].answer.done():
            self._waiting.popleft()
        if not self._waiting:
            return []
        first = self._waiting.popleft()
        kind = self.goes_with(first.asked)
        batch, left = [first], deque[_Waiting]()
        while self._waiting and kind is not None and len(batch) < self._batch_size:
            one = self._waiting.popleft()
            if not one.answer.done():
                (batch if self.goes_with(one.asked) == kind else left).append(one)
        self._waiting.extendleft(reversed(left))
        return batch

    async def close(self) -> None:
        if self._working is not None:
            self._working.cancel()
        for one in self._waiting:
            one.answer.cancel()
        await asyncio.to_thread(self._thread.shutdown)
        self.release()

    def release(self) -> None:
        """Let go of the model."""
