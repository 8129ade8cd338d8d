"""The other end of the engine's socket: starts the engine's process, hears what happens, and can stop it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import orjson

from flows.engine.events import Event, read_event
from flows.runners import standby
from flows.runners.start import Start
from flows.runs import RunReport
from steps.errors import RunError

RESTARTS = 2


class Follower(Protocol):
    """Who hears what an engine does: events, and the places that its stages want and give back."""

    def event(self, event: Event) -> None: ...

    def want(self, stage: str, replica: int, pool: str, devices: int) -> None: ...

    def gone(self, stage: str, replica: int) -> None: ...


class EngineProcess:
    """An engine that runs in a process of its own. Messages are heard in a thread, so requests go out at once.

    A process that dies is replaced: finished work is in the ledger, so the next one goes on where it was. Places stay held
    meanwhile: the next one gets those that were given to the one before.
    """

    def __init__(self, start: Start) -> None:
        self.start = start
        self.run_id = Path(start.folder).name
        self._follower: Follower | None = None
        self._unheard: list[dict[str, Any]] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._places: dict[tuple[str, int], list[str]] = {}
        """Devices by stage and replica, of those that hold a place or wait for one."""
        self._report: RunReport | None = None
        self._error: RunError | None = None
        self._ended = threading.Event()
        self._restarts = 0
        self._is_stopping = False
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        """Several threads have something to say: grants, and the wish to stop."""
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def follow(self, follower: Follower) -> None:
        """Let somebody hear what happens, in the listening thread; what happened before is told first."""
        with self._lock:
            unheard, self._unheard = self._unheard, []
            for message in unheard:
                self._tell(follower, message)
            self._follower = follower

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._is_stopping

    def add_listener(self, listener: Callable[[Event], None]) -> None:
        """Also tell somebody who only looks on; in the listening thread, from now on."""
        self._listeners.append(listener)

    def follow_freely(self) -> None:
        """Give places without asking anybody: there is no Prefect."""
        self.follow(FreePlaces(self))

    def stop(self) -> None:
        """Ask it to stop and keep what is finished."""
        self._is_stopping = True
        self._send(stop=True)

    def grant(self, stage: str, replica: int, devices: list[str]) -> None:
        self._places[stage, replica] = devices
        self._send(grant={"stage": stage, "replica": replica, "devices": devices})

    def wait(self, timeout_s: float | None = None) -> RunReport | None:
        """The report of the finished run; None when it is not finished in time.

        Raises:
            RunError: The run could not go on.
        """
        if not self._ended.wait(timeout_s):
            return None
        if self._error is not None:
            raise self._error
        return self._report

    def kill(self) -> None:
        """End it at once; its workers end with it."""
        self._is_stopping = True
        if self._process is not None:
            self._process.kill()

    # ---- the process
    def _begin(self) -> None:
        self._process, self._socket = standby.take()
        self._send(start=self.start.to_json())
        if self._is_stopping:  # asked for while there was nobody to hear it
            self._send(stop=True)
        threading.Thread(target=self._listen, args=(self._socket,), daemon=True, name="engine").start()

    def _send(self, **message: Any) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError), self._sending:  # gone: the listener finds out
                self._socket.sendall(orjson.dumps(message) + b"\n")

    def _listen(self, sock: socket.socket) -> None:
        try:
            with sock, sock.makefile("rb") as lines, contextlib.suppress(ConnectionResetError):
                for line in lines:
                    self._hear(orjson.loads(line))
        except Exception as error:  # of whoever listens: a terminal that is gone, an event loop that is closed
            self._error = _resumable(RunError(f"nobody can follow run {self.run_id!r} any more: {error!r}"))
        assert self._process is not None
        code = self._process.wait()
        if self._report is None and self._error is None:
            if not self._is_stopping and self._restarts < RESTARTS:
                self._restarts += 1
                self._begin()
                return
            self._error = _resumable(RunError(f"the engine of run {self.run_id!r} ended unexpectedly (exit code {code})"))
        self._ended.set()

    def _hear(self, message: dict[str, Any]) -> None:
        if "done" in message:
            self._report = RunReport.model_validate(message["done"])
        elif "error" in message:
            self._error = RunError(message["error"]["message"], message["error"]["fix"])
            self._error.code = message["error"]["code"]
            self._error.go_on = message["error"].get("go_on", "")
        elif "want" in message and (place := (message["want"]["stage"], message["want"]["replica"])) in self._places:
            if devices := self._places[place]:
                self.grant(*place, devices)
        else:
            if "event" in message:
                for listener in self._listeners:
                    listener(read_event(orjson.dumps(message["event"])))
            elif "want" in message:
                self._places[message["want"]["stage"], message["want"]["replica"]] = []
            elif "gone" in message:
                self._places.pop((message["gone"]["stage"], message["gone"]["replica"]), None)
            with self._lock:
                if self._follower is None:
                    self._unheard.append(message)
                else:
                    self._tell(self._follower, message)

    def _tell(self, follower: Follower, message: dict[str, Any]) -> None:
        if "event" in message:
            follower.event(read_event(orjson.dumps(message["event"])))
        elif "want" in message:
            follower.want(**message["want"])
        elif "gone" in message:
            follower.gone(**message["gone"])


def _resumable(error: RunError) -> RunError:
    error.go_on = "resume it"
    return error


class FreePlaces:
    """Gives the machine's devices to whoever wants them first."""

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._free = list(engine.start.devices)
        self._held: dict[tuple[str, int], list[str]] = {}

    def event(self, event: Event) -> None:
        """Listeners hear it."""

    def want(self, stage: str, replica: int, pool: str, devices: int) -> None:
        if devices:
            granted, self._free = self._free[:devices], self._free[devices:]
            self._held[stage, replica] = granted
            self._engine.grant(stage, replica, granted)

    def gone(self, stage: str, replica: int) -> None:
        self._free += self._held.pop((stage, replica), [])
