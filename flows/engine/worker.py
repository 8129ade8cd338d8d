"""What runs in a worker process: one stage, fed over a socket. Imports steps and the engine, never Prefect.

Messages are a head (u32 length, one letter) and a payload. To the worker: I items · P pull rows, at least and at most so many ·
D ask no more · H hold all requests · R send them again · B what the budget allows · E end. From it: L ready · O outcome ·
B what it asks of the budget · N a notice · X the error after which it cannot go on. When the socket closes, the other side is
gone, and the worker ends: no orphans.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedReader
from multiprocessing.connection import wait
from pathlib import Path
from typing import cast

import orjson

from flows.engine import inside, signals
from flows.engine.asking import Asking
from flows.engine.chain import Chain
from flows.engine.desk import Desk
from flows.engine.garbage import collect_seldom
from flows.engine.gateway import Gateway
from flows.engine.holding import wait_while_paused
from flows.engine.items import unpack
from flows.engine.journal import JOURNAL, Journal
from flows.engine.notices import Notice
from flows.engine.outcome import Outcome, explain, printable
from flows.engine.stages import Stage, stages_of
from flows.engine.step_log import step_log
from flows.engine.teller import RemoteBudget
from flows.plan import examine
from flows.pools import Pools
from flows.spec import PipelineSpec
from steps.errors import PlanError, RowError, RunError

HEAD = struct.Struct("<Ic")
PULL = struct.Struct("<II")
OTHER_SIDE_GONE = 75
Send = Callable[..., None]
"""Sends a message: its letter, and a payload if it has one."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker process is told at its start: plain data only, so that it starts in milliseconds."""

    spec: dict[str, object]
    stage: str
    desk: Desk
    skip: int = 0
    shelves: tuple[Path, ...] = ()
    has_budget: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    def make_stage(self) -> Stage:
        """The stage, made anew in this process."""
        spec = PipelineSpec.model_validate(self.spec)
        planned, problems = examine(spec, Pools())
        if len(planned.steps) < len(spec.steps):  # a class that can be imported here but not there
            raise PlanError(problems)
        return stages_of(planned)[self.stage]


def message(kind: bytes, payload: bytes = b"") -> bytes:
    return HEAD.pack(len(payload), kind) + payload


def work(sock: socket.socket, order: Order) -> None:
    """Entry of a worker process."""
    threading.Thread(target=end_with_engine, daemon=True).start()
    enter_worker(order)
    try:
        try:
            stage = order.make_stage()
            if stage.asks is not None:
                asyncio.run(_ask(sock, stage, order))
            else:
                _chain(sock, stage, order)
        except (ConnectionError, EOFError):
            raise
        except Exception as error:
            sock.sendall(message(b"X", describe(error)))
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(1 << 16):  # closing with something unread would take the message back
                pass
    except (ConnectionError, EOFError):
        os._exit(OTHER_SIDE_GONE)
    sock.close()


def enter_worker(order: Order) -> None:
    """Make this process one that works for a run."""
    inside.enter()
    signals.leave_to_others()
    collect_seldom()
    os.environ.clear()  # that of the process workers are forked from may be older
    os.environ.update(order.environment)  # pinned devices, before anything that looks for them is imported
    sys.path[:0] = [entry for entry in order.path if entry not in sys.path]


def end_with_engine(then: Callable[[], None] = lambda: None) -> None:
    """End this process when the one it works for is gone, whatever it is doing then: no orphans, nothing done twice."""
    engine = mp.parent_process()
    if engine is not None:
        wait([engine.sentinel])
        then()
        os._exit(OTHER_SIDE_GONE)


def _chain(sock: socket.socket, stage: Stage, order: Order) -> None:
    sending = threading.Lock()

    def send(kind: bytes, payload: bytes = b"") -> None:
        with sending:  # a step may have threads of its own, which log
            sock.sendall(message(kind, payload))

    with step_log(lambda level, text: send(b"N", Notice("warning", "", text).to_bytes())):
        _work_off(sock, send, Chain(stage, order.desk, skip=order.skip, shelves=order.shelves), order.desk.folder)


def _work_off(sock: socket.socket, send: Send, chain: Chain, folder: Path) -> None:
    chain.load()
    send(b"L")
    with cast("BufferedReader", sock.makefile("rb", 1 << 16)) as stream:
        while True:
            kind, payload = _receive(stream)
            if kind == b"E":
                break
            wait_while_paused(folder)
            outcome = chain.pull(*PULL.unpack(payload)) if kind == b"P" else chain.run(unpack(payload))
            send(b"O", outcome.to_bytes())
    chain.close()


def _receive(stream: BufferedReader) -> tuple[bytes, bytes]:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    size, kind = HEAD.unpack(head)
    payload = stream.read(size)
    if len(payload) < size:
        raise EOFError
    return kind, payload


async def _ask(sock: socket.socket, stage: Stage, order: Order) -> None:
    """A model that lives in this process: rows of many batches are under way at once."""
    reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 22)
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def deliver(outcome: Outcome) -> None:
        writer.write(message(b"O", outcome.to_bytes()))

    def fail(error: Exception) -> None:
        if not broken.done():  # told before the rows are given back: a stage without rows would count as done
            writer.write(message(b"X", describe(error)))
            broken.set_exception(error)

    def tell(notice: Notice) -> None:
        writer.write(message(b"N", notice.to_bytes()))

    budget = RemoteBudget(lambda payload: writer.write(message(b"B", payload))) if order.has_budget else None
    journal = Journal(order.desk.folder / JOURNAL, order.desk.writer, order.desk.options.journals)
    gateway = Gateway(journal, tell, purse=budget)
    asking = Asking(stage, order.desk, gateway, deliver, fail)

    async def listen() -> None:
        while True:
            size, kind = HEAD.unpack(await reader.readexactly(HEAD.size))
            payload = await reader.readexactly(size)
            if kind == b"E":
                return
            if kind == b"D":
                gateway.drain()
            elif kind == b"H":
                gateway.hold()
            elif kind == b"R":
                gateway.go_on()
            elif kind == b"B" and budget is not None:
                budget.hear(payload)
            else:
                asking.give(unpack(payload))

    try:
        with step_log(lambda level, text: tell(Notice("warning", "", text))):
            await asking.load()
            writer.write(message(b"L"))
            listening = asyncio.create_task(listen())
            await asyncio.wait([listening, broken], return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                listening.cancel()
                asking.cancel()
                await asking.close()
                await gateway.close()
                broken.result()
            listening.result()
            await asking.close()
            await gateway.close()
        await writer.drain()
    except (ConnectionError, EOFError):
        raise
    except Exception as error:
        if not broken.done():
            writer.write(message(b"X", describe(error)))
        writer.write_eof()
        while await reader.read(1 << 16):  # closing with something unread would take the message back
            pass
    writer.close()


def describe(error: BaseException) -> bytes:
    """An error for the other side of the socket."""
    said = explain(error)
    if isinstance(said, RowError):  # it is no row that ends a worker
        said = RunError(said.message, said.fix if said is error else "correct this")
    if isinstance(error, PlanError) and error.problems:  # what can be made there and not here, such as a class of a script
        said = RunError(error.problems[0].what, error.problems[0].fix)
    if isinstance(error, OSError) and error.errno == 28:
        said = RunError("the disk is full", "make room")
    return orjson.dumps({"code": said.code, "message": printable(said.message), "fix": printable(said.fix)})
