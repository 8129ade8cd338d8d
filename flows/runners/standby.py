"""Engine processes that wait to be told what to run: importing takes one longer than whoever starts it needs to know what."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import NamedTuple

from flows.engine import signals


class Standby(NamedTuple):
    """An engine's process, and our end of its socket."""

    process: subprocess.Popen[bytes]
    socket: socket.socket


_waiting: list[Standby] = []


def get_ready() -> None:
    """Start the process of the next engine; it works in this folder."""
    _waiting.append(_started())


def drop() -> None:
    """End the processes that nobody took."""
    while _waiting:
        process, theirs = _waiting.pop()
        theirs.close()
        process.kill()


def take() -> Standby:
    """A process that waits, or a new one."""
    return _waiting.pop() if _waiting else _started()


def _started() -> Standby:
    mine, theirs = socket.socketpair()
    command = [sys.executable, "-P", "-m", "flows.runners.engine_process", str(theirs.fileno())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with theirs, signals.held_back():
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL)
    return Standby(process, mine)
