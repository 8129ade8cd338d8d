"""A model server that is started for a run: on a free port, asked by HTTP, ended with whoever started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from steps.errors import EndpointDown, NetworkFailed, RunError, ServerFailed
from steps.llms.chat_replies import read_completion
from steps.llms.chat_requests import StructuredOutput, wire_sampling, wire_structure
from steps.llms.http import JSONEndpoint, json_body
from steps.llms.provider_errors import Target
from steps.local import keeper
from steps.local.engine import Asked, Engine, Generated, Structure
from steps.local.failures import cannot_load_for, has_died, why_died
from steps.local.logs import log_path, tail
from steps.providers import COMPATIBLE

START_S = 1800.0
"""How long a server may take until it answers: large models are downloaded first."""
REPLY_S = 3600.0
LOOK_EVERY_S = 0.1
TRIES = 3
"""Ports that are tried: another program may take one between the look and the start."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server: its command (`python` stands for this one), the port and the name that the model has there."""

    what: str
    command: list[str]
    port: int
    model: str
    health: str = "/health"
    environment: dict[str, str] = field(default_factory=dict)
    structures: Callable[[Structure], dict[str, Any]] | None = None
    """What holds a reply to a structure, in the server's words; None for vLLM's."""
    names: dict[str, str] = field(default_factory=dict)
    """Of sampling parameters, where the server has others."""

    def on(self, port: int) -> Program:
        """The same on another port."""
        return replace(self, port=port, command=[str(port) if one == str(self.port) else one for one in self.command])


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _held(port: int) -> Iterator[socket.socket]:
    """Hold a port until its server listens: nobody else is given it by chance.

    Raises:
        _PortTaken: Somebody has it already, and would be taken for the server.
    """
    with socket.socket() as looker, socket.socket() as holder:
        try:
            looker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            looker.bind(("127.0.0.1", port))  # it cannot where somebody listens
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            looker.close()
            holder.bind(("127.0.0.1", port))  # it is in the way of those alone that ask for neither
        except OSError as error:
            raise _PortTaken from error
        yield holder


def flags(given: dict[str, Any]) -> list[str]:
    """Arguments as command lines have them."""
    found: list[str] = []
    for name, value in given.items():
        if value is not None and value is not False:
            found += [f"--{name}", *([] if value is True else [value if isinstance(value, str) else json.dumps(value)])]
    return found


class OwnServer(Engine):
    """A server of ours that speaks OpenAI's protocol."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], log: Path, log_start: int = 0) -> None:
        """`log_start`: how long the log was before it: servers of one name, one after the other, share it."""
        self.program = program
        self.log = log
        self._log_start = log_start
        self._process = process
        self._base = f"http://127.0.0.1:{program.port}/v1"
        self._chats = JSONEndpoint(f"{self._base}/chat/completions", {}, REPLY_S)
        self._prompts = JSONEndpoint(f"{self._base}/completions", {}, REPLY_S)
        self._target = Target(program.model, self._base)

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(cls, program: Program, within_s: float = START_S) -> Self:
        """Start a server and wait until it answers.

        Raises:
            RunError: It cannot be started; it says why, as far as the server's log does.
        """
        for attempt in range(TRIES):
            with contextlib.suppress(_PortTaken):
                return await cls._start(
                    program if attempt == 0 else program.on(free_port()), within_s, is_held=attempt < TRIES - 1
                )
        raise RunError(f"no port was found for {program.what}'s server", "see which programs listen on this machine")

    @classmethod
    async def _start(cls, program: Program, within_s: float, *, is_held: bool) -> Self:
        """`is_held`: the port is kept for it; there may be servers that take none which is."""
        with _held(program.port) as holder:
            if not is_held:
                holder.close()
            server = cls._begin(program)
            try:
                await server._ready(within_s)
                await server._chats.open()
                await server._prompts.open()
            except BaseException:
                await server.close()
                raise
            return server

    @classmethod
    def _begin(cls, program: Program) -> Self:
        log = log_path(f"{program.model.rstrip('/')}-server")
        command = [sys.executable if one == "python" and at == 0 else one for at, one in enumerate(program.command)]
        with log.open("ab") as stream:
            log_start = stream.tell()
            try:
                process = subprocess.Popen(
                    [sys.executable, str(Path(keeper.__file__)), *command],
                    stdin=subprocess.PIPE,
                    stdout=stream,
                    stderr=stream,
                    env={**os.environ, **program.environment},
                    start_new_session=True,  # what ends the group of this process must not end the keeper before its work
                )
            except OSError as error:
                raise RunError(f"{program.what}'s server cannot be started: {error}", "check that it is installed") from error
        return cls(program, process, log, log_start)

    async def _ready(self, within_s: float) -> None:
        import aiohttp

        url = f"http://127.0.0.1:{self.program.port}{self.program.health}"
        deadline = time.monotonic() + within_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while self._process.poll() is None:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with session.get(url) as reply:
                        if reply.status == 200 and self._process.poll() is None:
                            return
                if time.monotonic() > deadline:
                    raise RunError(
                        f"{self.program.what}'s server with {self.program.model!r} does not answer after {within_s:.0f} s",
                        f"see {self.log}",
                    )
                await asyncio.sleep(LOOK_EVERY_S)
        said = self._said
        error = cannot_load_for(self.program.model, _last_words(said))
        if "port is taken" in error.message:
            raise _PortTaken
        error.fix = f"{error.fix}; its log: {self.log}"
        raise error

    async def answer(self, asked: Asked) -> Generated:
        endpoint, body = self._request(asked)
        try:
            answer = await endpoint.post(body)
            if self._process.poll() is not None:  # somebody else answers at its port
                raise self._has_died()
            made = read_completion(answer, self._target, asked.n)
        except (NetworkFailed, ServerFailed) as error:
            raise await self._gone_or(error) from error
        return Generated(made.texts, made.finish_reasons, made.usage)

    async def _gone_or(self, error: NetworkFailed | ServerFailed) -> NetworkFailed | ServerFailed | EndpointDown:
        """That the server is gone, if it is: a connection breaks a moment before its process is seen to have ended."""
        for _ in range(20):
            if self._process.poll() is not None:
                return self._has_died()
            await asyncio.sleep(0.05)
        return error

    def _has_died(self) -> EndpointDown:
        code = self._process.returncode
        return has_died(self.program.model, why_died(128 - code if code > 128 else code, self._said))  # 137: signal 9

    @property
    def _said(self) -> str:
        """What it wrote last."""
        return tail(self.log, self._log_start)

    def _request(self, asked: Asked) -> tuple[JSONEndpoint, bytes]:
        names = self.program.names
        sampling = wire_sampling(asked.sampling, COMPATIBLE)
        body: dict[str, Any] = {"model": self.program.model, **{names.get(name, name): sampling[name] for name in sampling}}
        body |= asked.sampling.get("extra_body") or {}
        if asked.structure is not None:
            body |= (self.program.structures or _on_the_wire)(asked.structure)
        if asked.n > 1:
            body["n"] = asked.n
        if asked.have and isinstance(body.get("seed"), int):
            body["seed"] += asked.have
        endpoint = self._chats
        if asked.prompt is not None:
            endpoint, body = self._prompts, {**body, "prompt": asked.prompt}
        else:
            body["messages"] = asked.chat
        return endpoint, json_body(body)

    async def close(self) -> None:
        await self._chats.close()
        await self._prompts.close()
        if (line := self._process.stdin) is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                line.write(b".")  # what this process forked may hold the line open: that is not all that counts
                line.close()  # the keeper ends the server
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, keeper.PATIENCE_S + 5)


class _PortTaken(Exception):
    """Another program has taken the port in the meantime."""


def _on_the_wire(wanted: Structure) -> dict[str, Any]:
    if wanted.kind == "choice":
        return {"structured_outputs": {"choice": wanted.wanted}}
    form: StructuredOutput = {"format": wanted.kind, "schema": wanted.wanted}
    return wire_structure(form, COMPATIBLE)


def _last_words(said: str) -> str:
    """The end of a log without what only says where: the last error comes first, since it names the cause."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "error:" in line.lower()]
    return "\n".join([*reversed(errors[-8:]), *lines[-3:]]) or "it ended without a word"
