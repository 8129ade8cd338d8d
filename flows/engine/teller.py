"""The two ends of a pipe by which a worker process uses the budget of its run: to ask, to answer, to settle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from flows.engine.budget import Amount, Budget, Purpose
from flows.engine.not_sent import NotSent
from flows.engine.tally import Tally

Send = Callable[[bytes], None]


class RemoteBudget:
    """The worker's end: a purse like any other."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._is_over = False

    async def hold(self, purpose: Purpose, ceiling: Amount | None, *, is_free: bool) -> int:
        if self._is_over:
            raise NotSent
        self._numbers = number = self._numbers + 1
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[number] = turn
        self._send(orjson.dumps({"hold": number, "purpose": [*purpose], "ceiling": ceiling and [*ceiling], "is_free": is_free}))
        try:
            return await turn
        except asyncio.CancelledError:
            self.settle(number, None)
            raise
        finally:
            self._waiting.pop(number, None)

    def settle(self, number: int, used: Tally | None) -> None:
        self._send(orjson.dumps({"settle": number, "used": asdict(used) if used else None}))

    def hear(self, payload: bytes) -> None:
        """What the engine answered."""
        answer = orjson.loads(payload)
        turn = self._waiting.get(answer["hold"])
        if turn is not None and not turn.done():
            if answer["fits"]:
                turn.set_result(answer["hold"])
            else:
                turn.set_exception(NotSent())

    def drain(self) -> None:
        """Let nobody wait any longer: the run is ending."""
        self._is_over = True
        for turn in self._waiting.values():
            if not turn.done():
                turn.set_exception(NotSent())


class Teller:
    """The engine's end: asks the budget for one worker."""

    def __init__(self, budget: Budget, send: Send) -> None:
        self._budget = budget
        self._send = send
        self._holds: dict[int, asyncio.Task[int]] = {}
        """The worker's numbers, and the budget's, once there is one."""

    def hear(self, payload: bytes) -> None:
        """What the worker asks or settles."""
        said: dict[str, Any] = orjson.loads(payload)
        if "hold" in said:
            number = said["hold"]
            ceiling = Amount(*said["ceiling"]) if said["ceiling"] else None
            held = self._budget.hold(Purpose(*said["purpose"]), ceiling, is_free=said["is_free"])
            task = self._holds[number] = asyncio.create_task(held)
            task.add_done_callback(lambda task: self._answer(number, task))
        else:
            self._settle(said["settle"], Tally(**said["used"]) if said["used"] else None)

    def close(self) -> None:
        """The worker is gone: what it held is free again."""
        for number in list(self._holds):
            self._settle(number, None)

    def _answer(self, number: int, task: asyncio.Task[int]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._holds.pop(number, None)
            if not isinstance(error, NotSent):
                raise error
        self._send(orjson.dumps({"hold": number, "fits": error is None}))

    def _settle(self, number: int, used: Tally | None) -> None:
        task = self._holds.pop(number, None)
        if task is None:
            return
        if not task.done():
            task.cancel()
        elif not task.cancelled() and task.exception() is None:
            self._budget.settle(task.result(), used)
