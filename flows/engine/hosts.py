"""Who does a stage's work: this event loop, a worker process, or a thread (previews). To the scheduler they look alike."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing as mp
import socket
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Protocol

import orjson

from flows.engine import signals
from flows.engine.asking import Asking
from flows.engine.budget import Budget
from flows.engine.chain import Chain
from flows.engine.desk import Desk
from flows.engine.gateway import Gateway
from flows.engine.items import Item, pack
from flows.engine.notices import Notice
from flows.engine.outcome import Outcome, explain, in_step, step_error
from flows.engine.stages import Stage
from flows.engine.teller import Teller
from flows.engine.worker import HEAD, PULL, Order, message, work
from steps.errors import RunError

BATCHES_AHEAD = 2
"""Batches a worker holds: one at work, one waiting in the pipe."""


class Listener(Protocol):
    """What a host tells the scheduler."""

    def on_ready(self, host: Host) -> None: ...

    def on_outcome(self, host: Host, outcome: Outcome) -> None: ...

    def on_death(self, host: Host, exit_code: int | None) -> None:
        """The worker is gone; what it held is to be redone."""

    def on_error(self, host: Host, error: Exception) -> None:
        """The stage cannot go on."""

    def on_notice(self, notice: Notice, host: Host | None = None) -> None:
        """Something for people to know."""


class Host(ABC):
    """One replica of a stage. `held` are the items handed over and not yet settled; `pulling` for each batch asked for the
    rows it may have."""

    def __init__(self, stage: Stage, replica: int, listener: Listener) -> None:
        self.stage = stage
        self.replica = replica
        self.listener = listener
        self.held: dict[str, Item] = {}
        self.pulling: deque[int] = deque()
        self.is_ready = False
        self.pid: int | None = None
        self.devices: list[str] = []

    @property
    def room(self) -> int:
        """Rows that could be handed over now."""
        return self.capacity() - len(self.held) if self.is_ready else 0

    def capacity(self) -> int:
        return BATCHES_AHEAD * self.stage.batch_rows

    @abstractmethod
    async def start(self) -> None:
        """Begin; `on_ready` follows."""

    @abstractmethod
    def give(self, items: list[Item]) -> None:
        """Hand rows over."""

    @abstractmethod
    def pull(self, least: int, most: int) -> None:
        """Ask for the next rows of a source: `least`, or up to `most` if that is faster."""

    @abstractmethod
    async def end(self) -> None:
        """No more rows will come: let go of everything and wait for the end."""

    def drain(self) -> None:  # noqa: B027 - most have nothing to hold back
        """Ask no model any more; what is under way may end."""

    def hold(self) -> None:  # noqa: B027 - a worker with cheap steps sees for itself that the run is paused
        """Begin nothing until `go_on`; what is under way may end."""

    def go_on(self) -> None:  # noqa: B027
        """Work again."""

    @abstractmethod
    def cancel(self) -> None:
        """Give up what is under way."""


class LoopHost(Host):
    """Asks a server from this event loop."""

    def __init__(self, stage: Stage, replica: int, listener: Listener, desk: Desk, gateway: Gateway) -> None:
        super().__init__(stage, replica, listener)
        self._asking = Asking(
            stage, desk, gateway, lambda outcome: listener.on_outcome(self, outcome), lambda e: listener.on_error(self, e)
        )

    def capacity(self) -> int:
        return (1 if self.stage.goes_by_batch else 2) * self.stage.asks_at_once

    async def start(self) -> None:
        try:
            await self._asking.load()
        except Exception as error:
            self.listener.on_error(self, step_error(self.stage.name, error))
            return
        self.is_ready = True
        self.listener.on_ready(self)

    def give(self, items: list[Item]) -> None:
        self.held.update((item.id, item) for item in items)
        self._asking.give(items)

    def pull(self, least: int, most: int) -> None:
        raise NotImplementedError("a step that asks a model makes no rows of its own")

    async def end(self) -> None:
        try:
            await self._asking.close()
        except Exception as error:
            self.listener.on_error(self, step_error(self.stage.name, error))

    def cancel(self) -> None:
        self._asking.cancel()


class ThreadHost(Host):
    """Works in a thread of this process: starts at once, shares the processor."""

    def __init__(self, stage: Stage, replica: int, listener: Listener, desk: Desk, shelves: Sequence[Path] = ()) -> None:
        super().__init__(stage, replica, listener)
        self._chain = Chain(stage, desk, shelves=shelves)
        self._jobs: asyncio.Queue[Callable[[], Outcome] | None] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._may_work = asyncio.Event()
        self._may_work.set()

    async def start(self) -> None:
        self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            await asyncio.to_thread(self._chain.load)
            self.is_ready = True
            self.listener.on_ready(self)
            while (job := await self._jobs.get()) is not None:
                await self._may_work.wait()
                self.listener.on_outcome(self, await asyncio.to_thread(job))
            await asyncio.to_thread(self._chain.close)
        except Exception as error:
            self.listener.on_error(self, step_error(self.stage.name, error))
            with contextlib.suppress(Exception):  # one error is enough: files are let go of
                await asyncio.to_thread(self._chain.close)

    def give(self, items: list[Item]) -> None:
        self.held.update((item.id, item) for item in items)
        self._jobs.put_nowait(lambda: self._chain.run(items))

    def pull(self, least: int, most: int) -> None:
        self.pulling.append(most)
        self._jobs.put_nowait(lambda: self._chain.pull(least, most))

    async def end(self) -> None:
        if self._worker is not None:
            self._jobs.put_nowait(None)
            await self._worker

    def hold(self) -> None:
        self._may_work.clear()

    def go_on(self) -> None:
        self._may_work.set()

    def cancel(self) -> None:
        """A thread cannot be interrupted: its batch ends, the next one does not start."""
        while not self._jobs.empty():
            self._jobs.get_nowait()
        self._may_work.set()  # or it would never see that this is the end


class WorkerHost(Host):
    """Owns a worker process."""

    def __init__(self, stage: Stage, replica: int, listener: Listener, order: Order, budget: Budget | None = None) -> None:
        super().__init__(stage, replica, listener)
        self._order = order
        self._teller = Teller(budget, lambda payload: self._send(b"B", payload)) if budget is not None else None
        self._process: mp.process.BaseProcess | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._is_ending = False

    def capacity(self) -> int:
        if self.stage.asks is not None:
            return 2 * self.stage.asks_at_once
        return super().capacity()

    async def start(self) -> None:
        mine, theirs = socket.socketpair()
        process = context.Process(target=work, args=(theirs, self._order), daemon=False)

        def begin() -> None:  # closed here: given up or not, the socket is needed until the process has it
            with theirs:
                start_process(process)

        starting = _starter.submit(begin)
        try:
            await asyncio.wrap_future(starting)
            self._process, self.pid = process, process.pid
            reader, self._writer = await asyncio.open_connection(sock=mine, limit=1 << 22)
        except BaseException:  # the run is over: a worker that starts all the same sees its socket closed, and ends
            mine.close()
            if starting.cancelled():
                theirs.close()
            raise
        self._listening = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                size, kind = HEAD.unpack(await reader.readexactly(HEAD.size))
                payload = await reader.readexactly(size)
                if kind == b"L":
                    self.is_ready = True
                    self.listener.on_ready(self)
                elif kind == b"O":
                    self.listener.on_outcome(self, Outcome.from_bytes(payload))
                elif kind == b"N":
                    self.listener.on_notice(Notice.from_bytes(payload), self)
                elif kind == b"B" and self._teller is not None:
                    self._teller.hear(payload)
                else:
                    said = orjson.loads(payload)
                    self.listener.on_error(self, RunError(in_step(self.stage.name, said["message"]), said["fix"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.is_ready = False
            if self._teller is not None:
                self._teller.close()
            if self._writer is not None:
                self._writer.close()
            code = await asyncio.to_thread(self._reap)
            if not self._is_ending:
                self.listener.on_death(self, code)
        except Exception as error:  # else the run would wait for this worker for ever
            self.listener.on_error(self, explain(error))

    def _reap(self) -> int | None:
        assert self._process is not None
        self._process.join(30)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        return self._process.exitcode

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        assert self._writer is not None
        if not self._writer.is_closing():
            self._writer.write(message(kind, payload))

    def give(self, items: list[Item]) -> None:
        self.held.update((item.id, item) for item in items)
        self._send(b"I", pack(items))

    def pull(self, least: int, most: int) -> None:
        self.pulling.append(most)
        self._send(b"P", PULL.pack(least, most))

    def drain(self) -> None:
        if self.stage.asks is not None and self._writer is not None:
            self._send(b"D")

    def hold(self) -> None:
        if self.stage.asks is not None and self._writer is not None:
            self._send(b"H")

    def go_on(self) -> None:
        if self.stage.asks is not None and self._writer is not None:
            self._send(b"R")

    async def end(self) -> None:
        self._is_ending = True
        if self._writer is None:
            return
        with contextlib.suppress(ConnectionError):
            self._send(b"E")
            await self._writer.drain()
        if self._listening is not None:
            await self._listening

    def cancel(self) -> None:
        """End the process now; what it has recorded is kept."""
        self._is_ending = True
        if self._process is not None and self._process.is_alive():
            self._process.kill()


context = mp.get_context("forkserver")
_starter = ThreadPoolExecutor(1, "start-worker")


def warm_up() -> None:
    """Start the process that workers are forked from, with their imports, before anything heavy is imported here."""
    context.set_forkserver_preload(["flows.engine.worker", "flows.engine.model_process"])
    with _hidden_main():
        resource_tracker.ensure_running()  # first, since it lets all signals through when it starts
        with signals.held_back():
            forkserver.ensure_running()


def start_process(process: mp.process.BaseProcess) -> None:
    """Start a process of `context`, from any thread."""
    with _hidden_main():
        process.start()


_hiding = threading.Lock()


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep multiprocessing from importing this program's main module again in every worker: it may be Prefect's."""
    main = sys.modules["__main__"]
    with _hiding:  # two at a time would each restore what the other one hid
        spec, path = main.__spec__, main.__dict__.pop("__file__", None)
        main.__spec__ = None
        try:
            yield
        finally:
            main.__spec__ = spec
            if path is not None:
                main.__file__ = path
