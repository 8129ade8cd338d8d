"""The light process in which the engine of a run lives: event loop, requests to models, ledger. It imports no Prefect.

Whoever started it (a Prefect flow, the command line) holds the other end of a socket; JSON objects, one a line, travel on it.
To here: start · grant · stop. From here: event · want · gone · done · error. When the socket closes, the other
side is gone, and so is this process: no orphans.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from flows.engine import inside, signals
from flows.engine.courtesy import let_others_finish
from flows.engine.engine import Engine
from flows.engine.events import Event
from flows.engine.garbage import collect_seldom
from flows.engine.hosts import warm_up
from flows.engine.outcome import explain
from flows.engine.placing import Lease, devices_wanted
from flows.engine.stages import Stage
from flows.plan import plan
from flows.pools import Pools
from flows.runners.session import Request, run_session
from flows.runners.start import Start
from flows.runs import RunFolder
from flows.spec import PipelineSpec
from steps.cassettes import VARIABLE
from steps.errors import DistilflowError, PlanError

OTHER_SIDE_GONE = 75


class _Line:
    """The socket to whoever started the engine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> dict[str, Any]:
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        message: dict[str, Any] = orjson.loads(line)
        return message

    def send(self, **message: Any) -> None:
        if not self._writer.is_closing():
            self._writer.write(orjson.dumps(message, default=str) + b"\n")

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
        self._writer.close()


class FlowPlacer:
    """Asks the flow for places. Only devices are waited for: everything else may start while Prefect is being imported."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._waiting: dict[tuple[str, int], asyncio.Future[Lease]] = {}

    async def acquire(self, stage: Stage, replica: int) -> Lease:
        wanted = devices_wanted(stage)
        self._line.send(want={"stage": stage.name, "replica": replica, "pool": stage.pool, "devices": wanted})
        if not wanted:
            return Lease()
        waiting = self._waiting[stage.name, replica] = asyncio.get_running_loop().create_future()
        lease: Lease = await waiting
        return lease

    def grant(self, stage: str, replica: int, devices: list[str]) -> None:
        waiting = self._waiting.pop((stage, replica), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(Lease(devices))

    def release(self, stage: Stage, replica: int, lease: Lease) -> None:
        self._line.send(gone={"stage": stage.name, "replica": replica})


async def _main(fd: int, is_asked_to_stop: Callable[[], bool]) -> None:
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    line = _Line(*await asyncio.open_connection(sock=sock, limit=1 << 26))
    try:
        start = Start.from_json((await line.receive())["start"])
    except EOFError:  # there is nothing to run after all
        return
    placer = FlowPlacer(line)
    engines: list[Engine] = []
    is_stopping = False
    folder = RunFolder(Path(start.folder))

    async def listen() -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                message = await line.receive()
                if "grant" in message:
                    placer.grant(**message["grant"])
                elif "stop" in message:
                    stop()
        os._exit(OTHER_SIDE_GONE)

    def tell(event: Event) -> None:
        line.send(event=event.model_dump(mode="json"))

    def stop() -> None:
        nonlocal is_stopping
        is_stopping = True
        for engine in engines:
            engine.stop()

    def begun(engine: Engine) -> None:
        engines.append(engine)
        if is_stopping:  # asked for before there was an engine
            engine.stop()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)  # Prefect sends it to the whole group
    is_stopping = is_asked_to_stop()
    listening = asyncio.create_task(listen())
    try:
        if start.cassette:
            os.environ[VARIABLE] = start.cassette
        spec, pools = PipelineSpec.model_validate(start.spec), Pools(devices=tuple(start.devices))
        planned = plan(spec, pools, is_replay=start.options.is_replay)
        request = Request(planned, folder, start.options, start.launched_at)
        report = await run_session(request, placer, on_event=tell, on_engine=begun)
        line.send(done=report.model_dump(mode="json"))
    except PlanError as error:
        line.send(error={"code": error.code, "message": str(error), "fix": ""})
    except DistilflowError as error:
        line.send(error={"code": error.code, "message": error.message, "fix": error.fix, "go_on": error.go_on})
    except Exception as error:  # a run folder that cannot be read or written, say: words for the other side, not a traceback
        said = explain(error)
        line.send(error={"code": said.code, "message": said.message, "fix": said.fix})
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    await line.close()


def main() -> None:
    """Run the engine for whoever is at the other end of the socket whose number is the first argument."""
    early: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; whoever started us decides
    signal.signal(signal.SIGTERM, lambda number, frame: early.append(number))
    signals.let_through()
    inside.enter()
    warm_up()
    collect_seldom()
    let_others_finish()
    asyncio.run(_main(int(sys.argv[1]), lambda: bool(early)))


if __name__ == "__main__":
    main()
