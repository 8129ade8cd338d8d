"""Run a fake server in a thread of the test process: `with running(fake) as url: ...`."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Protocol, runtime_checkable

import uvicorn
from aiohttp import web
from starlette.types import ASGIApp

HOST = "127.0.0.1"
STARTUP_TIMEOUT_S = 10.0
SHUTDOWN_GRACE_S = 0.1  # a handler that hangs on purpose is cancelled after this


@runtime_checkable
class Fake(Protocol):
    """A server object of this package: state that outlives, and can be read beside, its web app."""

    def build_app(self) -> web.Application | ASGIApp:
        """Return a fresh web app around this object's state."""


@contextmanager
def running(server: Fake | web.Application | ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve on 127.0.0.1 until the block ends and yield the base URL, without a trailing slash.

    The server has a thread and an event loop of its own, so both blocking and async tests can call it.
    The socket listens before this yields: no test has to wait or retry. Port 0 takes any free port.
    """
    with socket.create_server((HOST, port), backlog=1024) as listener:
        # asyncio does it only for sockets that say TCP: else a second request waits 40 ms for the first one's acknowledgement
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serving = _serve(_app_of(server), listener)
        loop = asyncio.new_event_loop()
        ready: Future[asyncio.Event] = Future()
        thread = threading.Thread(target=_run, args=(loop, serving, ready), name="fake-server", daemon=True)
        thread.start()
        stop = ready.result(STARTUP_TIMEOUT_S)
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


class Restartable:
    """A server that can be stopped, and started again at the same port: `with Restartable(fake) as server: ...`."""

    def __init__(self, server: Fake) -> None:
        self._server = server
        self._stack = ExitStack()
        with socket.create_server((HOST, 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}"

    def start(self) -> None:
        self._stack.enter_context(running(self._server, port=self.port))

    def stop(self) -> None:
        """Requests under way are cut off; blocks until all is over."""
        self._stack.close()

    def __enter__(self) -> Restartable:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _app_of(server: Fake | web.Application | ASGIApp) -> web.Application | ASGIApp:
    if isinstance(server, Fake):
        return server.build_app()
    return server


def _serve(app: web.Application | ASGIApp, listener: socket.socket) -> AbstractAsyncContextManager[None]:
    if isinstance(app, web.Application):
        return _aiohttp_server(app, listener)
    return _asgi_server(app, listener)


def _run(
    loop: asyncio.AbstractEventLoop,
    serving: AbstractAsyncContextManager[None],
    ready: Future[asyncio.Event],
) -> None:
    """Thread body: serve until the event handed out through `ready` is set."""

    async def serve_until_stopped() -> None:
        stop = asyncio.Event()
        async with serving:
            ready.set_result(stop)
            await stop.wait()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(serve_until_stopped())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)


@asynccontextmanager
async def _aiohttp_server(app: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    # handler_cancellation: a client that gives up ends its handler, so "in flight" stays true
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_GRACE_S)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=1024).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _asgi_server(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, lifespan="off", ws="none", log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
