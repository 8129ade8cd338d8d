"""Processes with the same models, as those see them who ask: questions go to the one with the least to do.

A process that dies is replaced, and asked again what it was asked. What was under way in two that died is asked one at a time
from then on, so that a question which takes every process down is found out, and goes to the quarantine alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing as mp
import pickle
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flows.engine.hosts import context, start_process
from flows.engine.model_process import GONE, MODEL_GONE, ModelOrder, end_group, serve_models
from flows.engine.notices import Notice, Tell
from flows.engine.outbox import Outbox
from flows.engine.worker import HEAD
from steps.errors import EndpointDown, LLMError, RunError, TookModelDown
from steps.local.engine import Asked, Engine, Generated
from steps.local.failures import DIED, cannot_load_for, has_died, why_died
from steps.local.logs import tail

END_S = 15.0
"""How long a process may take to let go of its models."""
LAST_WORDS_S = 0.5
"""How long a process that is about to end may take to say why, and to end by itself."""
DEATHS_BEFORE_CAUTION = 2
DEATHS_OF_A_QUESTION = 3
"""Processes that died over a question before it counts as the question's fault."""
BLAMED_IN_A_ROW = 5
"""Questions that are to blame, one after the other, before it counts as the model's fault."""


@dataclass(slots=True, eq=False)
class _Question:
    number: int
    weights: str
    asked: Asked
    answer: asyncio.Future[Generated]
    deaths: int = 0


class ModelProcess:
    """One process with models; after its death, the next one."""

    def __init__(self, name: str, order: Callable[[], ModelOrder], tell: Tell) -> None:
        """`name`: the models, as messages call them. `order`: what the next process is told."""
        self._name = name
        self._order = order
        self._tell = tell
        self._open: dict[int, _Question] = {}
        """Questions without an answer, in the order in which they were asked."""
        self._unsent: dict[int, _Question] = {}
        """Those of them that the process has not got."""
        self._sent: set[int] = set()
        self._lost: set[int] = set()
        """What the process that died last had been sent."""
        self._numbers = itertools.count()
        self._process: mp.process.BaseProcess | None = None
        self._outbox: Outbox | None = None
        self._working: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._deaths = 0
        self._blamed = 0
        self._is_ending = False

    @property
    def load(self) -> int:
        """Questions under way."""
        return len(self._open)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def ready(self) -> None:
        """Wait until the models are loaded; the first call starts the process.

        Raises:
            RunError: They cannot be.
        """
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._working = asyncio.create_task(self._work())
        await asyncio.shield(self._ready)

    async def ask(self, weights: str, asked: Asked) -> Generated:
        """The answer to a question, whatever dies in the meantime.

        Raises:
            LLMError: There is none.
        """
        if self._error is not None:
            raise _for_a_row(self._error, self._name)
        question = _Question(next(self._numbers), weights, asked, asyncio.get_running_loop().create_future())
        self._open[question.number] = self._unsent[question.number] = question
        self._send_what_may_go()
        try:
            return await question.answer
        finally:
            if question.answer.cancelled() and question.number in self._sent:
                self._send(b"C", question.number)  # nobody waits any more
            del self._open[question.number]
            self._sent.discard(question.number)
            self._unsent.pop(question.number, None)
            self._send_what_may_go()

    async def end(self) -> None:
        """Let go of the models and wait for the end of the process."""
        self._is_ending = True
        if self._working is None:
            return
        if self._outbox is not None and self._ready is not None and self._ready.done() and not self._open:
            self._send(b"E")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._working), END_S)
        await self.kill()

    async def kill(self) -> None:
        """End the process at once."""
        self._is_ending = True
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
            self._working = None

    # ---- one process after the other
    async def _work(self) -> None:
        try:
            while not self._is_ending:
                code, log = await self._live()
                if not self._is_ending:
                    self._died(code, log)
        except asyncio.CancelledError:
            self._fail(RunError(f"the process of the model {self._name} was ended"))
            raise
        except Exception as error:  # it is told to all who wait, and to those who come
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._error = error
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # whoever waits gets it; nobody has to
        for question in self._open.values():
            if not question.answer.done():
                question.answer.set_exception(_for_a_row(error, self._name))

    async def _live(self) -> tuple[int | None, str]:
        """One process from start to end: its exit code, and the end of its log.

        Raises:
            RunError: It cannot load the models.
        """
        order = self._order()
        mine, theirs = socket.socketpair()
        process = context.Process(target=serve_models, args=(theirs, order), daemon=False)
        try:
            with theirs:
                await asyncio.to_thread(start_process, process)
            self._process = process
            reader, writer = await asyncio.open_connection(sock=mine, limit=1 << 24)
            self._outbox = Outbox(writer)
        except BaseException:
            mine.close()
            _end(process)
            raise
        hearing = asyncio.create_task(self._hear(reader))
        ended = asyncio.create_task(_end_of(process))
        try:
            # a program that the library started may hold its end of the socket, so the process itself is watched too
            await asyncio.wait({hearing, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not hearing.done():
                await asyncio.wait({hearing}, timeout=LAST_WORDS_S)
            if hearing.done():
                hearing.result()
        finally:
            hearing.cancel()
            writer.close()
            self._outbox = None
            self._sent, self._lost = set(), self._sent
            self._unsent = dict(self._open)
            try:
                if not self._is_ending:
                    await asyncio.wait({ended}, timeout=LAST_WORDS_S)
            finally:
                _end(process)
            await asyncio.shield(ended)
        return process.exitcode, tail(order.log)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        assert self._ready is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size, kind = HEAD.unpack(await reader.readexactly(HEAD.size))
                said = pickle.loads(await reader.readexactly(size))
                if kind == b"X":
                    raise said[0]
                if kind == b"L":
                    if not self._ready.done():
                        self._ready.set_result(None)
                    self._send_what_may_go()
                    continue
                self._deaths = self._blamed = 0
                question = self._open.get(said[0])
                if question is None or question.answer.done():
                    continue
                if kind == b"A":
                    question.answer.set_result(said[1])
                else:
                    question.answer.set_exception(said[1])

    # ---- questions
    def _send_what_may_go(self) -> None:
        """Send the questions that the process has not got; only one at a time of those that may have taken others down."""
        if self._outbox is None or self._ready is None or not self._ready.done():
            return
        while self._unsent and not (self._sent and self._deaths >= DEATHS_BEFORE_CAUTION):
            number, question = next(iter(self._unsent.items()))
            del self._unsent[number]
            if not question.answer.done():
                self._sent.add(number)
                self._send(b"Q", number, question.weights, question.asked)

    def _send(self, kind: bytes, *said: Any) -> None:
        if self._outbox is not None:
            self._outbox.put(kind, pickle.dumps(said))

    def _died(self, code: int | None, log: str) -> None:
        """Count a death, and find out whose fault it is.

        Raises:
            LLMError, RunError: That of the model: no other process is started.
        """
        assert self._ready is not None
        reason = _why_died(code, log)
        if not self._ready.done():
            raise cannot_load_for(self._name, f"its process died while it loaded: {reason}\n{log}")
        self._deaths += 1
        suspects = [one for one in self._open.values() if one.number in self._lost and not one.answer.done()]
        for question in suspects:
            question.deaths += 1
        if len(suspects) == 1 and suspects[0].deaths >= DEATHS_OF_A_QUESTION:
            self._blamed += 1
            error = TookModelDown(
                f"every process of the model {self._name} that took this row died ({reason})", "look at this row, and at logs/"
            )
            error.attempts = suspects[0].deaths
            suspects[0].answer.set_exception(error)
        if self._blamed >= BLAMED_IN_A_ROW or (not suspects and self._deaths >= DEATHS_OF_A_QUESTION):
            raise has_died(self._name, reason)
        self._tell(Notice("warning", "", f"the process of the model {self._name} died ({reason}); another one loads it again"))


def _why_died(code: int | None, log: str) -> str:
    """Why a process is gone: what it said itself, or as far as its end tells."""
    _, told, said = log.rpartition(GONE)
    if code != MODEL_GONE or not told:
        return why_died(code, log)
    line = said.strip().partition("\n")[0]
    return line.partition(DIED)[2] or line


def _end(process: mp.process.BaseProcess) -> None:
    """End a process with all that it started, if it has started."""
    if process.pid is not None:
        end_group(process.pid)
        if process.is_alive():
            process.kill()


async def _end_of(process: mp.process.BaseProcess) -> None:
    """Wait for the end of a process. A thread for each would leave none to start another with, once there are many."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)


def _for_a_row(error: Exception, name: str) -> LLMError:
    if isinstance(error, LLMError):
        return error
    fix = error.fix if isinstance(error, RunError) else ""
    return EndpointDown(error.message if isinstance(error, RunError) else f"the model {name} is gone: {error}", fix)


class ModelPool:
    """As many processes with the same models as a step has replicas, for all steps that share them."""

    def __init__(self, processes: list[ModelProcess]) -> None:
        self.processes = processes
        self._users = 0

    @property
    def replicas(self) -> int:
        return len(self.processes)

    async def take(self, weights: str) -> Engine:
        """What answers for one of the models, once it is loaded."""
        self._users += 1
        try:
            await asyncio.gather(*(process.ready() for process in self.processes))
        except BaseException:
            await self.leave()
            raise
        return _Asking(self, weights)

    async def ask(self, weights: str, asked: Asked) -> Generated:
        process = min(self.processes, key=lambda one: one.load)
        return await process.ask(weights, asked)

    async def leave(self) -> None:
        """Undo one `take`; the last one ends the processes."""
        self._users -= 1
        if self._users == 0:
            await asyncio.gather(*(process.end() for process in self.processes))

    async def kill(self) -> None:
        await asyncio.gather(*(process.kill() for process in self.processes))


class _Asking(Engine):
    """One model of a pool."""

    def __init__(self, pool: ModelPool, weights: str) -> None:
        self._pool = pool
        self._weights = weights

    async def answer(self, asked: Asked) -> Generated:
        return await self._pool.ask(self._weights, asked)

    async def close(self) -> None:
        await self._pool.leave()
