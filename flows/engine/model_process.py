"""A process with models that this machine computes: several steps ask it, over a socket, and rows of all their batches at once.

Messages are a head (u32 length, one letter) and a pickle. To it: Q a question · C nobody waits for its answer any more · E end.
From it: L ready · A an answer · F why a question has none · X why the models cannot be loaded, or answer nobody.
When the socket closes, the engine is gone, and the process ends with all that its libraries started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine import signals
from flows.engine.outbox import Outbox
from flows.engine.worker import HEAD, Order, end_with_engine, enter_worker
from flows.plan.sharing import local_models
from steps.errors import DistilflowError, EndpointDown, LLMError, RunError
from steps.local import logs
from steps.local.engine import Asked, Engine
from steps.local.failures import cannot_answer

MODEL_GONE = 76
"""Exit code where no question can be answered any more: another process is started."""
GONE = "No question can be answered any more: "
"""What the last line of its log begins with then; the reason follows."""


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """What a process with models is told at its start: the stage whose models these are, and where its log goes."""

    worker: Order
    log: Path


def serve_models(sock: socket.socket, order: ModelOrder) -> None:
    """Entry of a process with models."""
    os.setpgid(0, 0)  # so that it can be ended with all that its libraries started
    threading.Thread(target=_end_all_with_engine, daemon=True).start()
    enter_worker(order.worker)
    for number in signals.STOPPING:  # they do not reach this group, and what libraries start must hear when it is to end
        signal.signal(number, signal.SIG_DFL)
    _write_to(order.log)
    try:
        asyncio.run(_serve(sock, order))
    except (ConnectionError, EOFError):
        end_group(os.getpgrp())
    sock.close()


def _end_all_with_engine() -> None:
    end_with_engine(then=lambda: end_group(os.getpgrp()))


def end_group(group: int) -> None:
    """End all processes of a group, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _write_to(log: Path) -> None:
    """Send all that this process and its libraries say to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    logs.keep_in(log.parent)


async def _serve(sock: socket.socket, order: ModelOrder) -> None:
    reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 22)
    outbox = Outbox(writer)

    def send(kind: bytes, *said: Any) -> None:
        outbox.put(kind, pickle.dumps(said))

    engines: dict[str, Engine] = {}
    try:
        stage = order.worker.make_stage()
        for llm in local_models(stage.head).values():
            if (weights := llm.weights()) not in engines:
                engines[weights] = await llm.make_engine()
    except Exception as error:
        ours = isinstance(error, DistilflowError)
        send(b"X", error if ours else RunError(f"{type(error).__name__}: {error}"))
        outbox.flush()
        writer.write_eof()
        while await reader.read(1 << 16):  # closing with something unread would take the message back
            pass
        writer.close()
        return
    send(b"L")
    answering: dict[int, asyncio.Task[None]] = {}

    async def answer(number: int, weights: str, asked: Asked) -> None:
        try:
            send(b"A", number, await engines[weights].answer(asked))
        except LLMError as error:
            if error.is_fatal and not isinstance(error, EndpointDown):  # another engine would say the same
                send(b"X", error)
                return
            if error.is_fatal:  # the engine is gone: whoever asks starts another one
                print(f"{error}\n{GONE}{error.message}", file=sys.stderr, flush=True)  # noqa: T201 - its log is what it says
                os._exit(MODEL_GONE)
            send(b"F", number, error)
        except Exception as error:
            send(b"F", number, error if isinstance(error, DistilflowError) else cannot_answer("the model", error))
        finally:
            answering.pop(number, None)

    while True:
        size, kind = HEAD.unpack(await reader.readexactly(HEAD.size))
        payload = await reader.readexactly(size)
        if kind == b"E":
            break
        said = pickle.loads(payload)
        if kind == b"Q":
            answering[said[0]] = asyncio.create_task(answer(*said))
        elif (task := answering.get(said[0])) is not None:
            task.cancel()
    for engine in engines.values():
        await engine.close()
    outbox.flush()
    writer.close()
