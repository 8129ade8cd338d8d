"""Runs a program and ends it, with all that it started, as soon as whoever asked for it is gone, however that one died.

    python keeper.py PROGRAM ARGUMENT...

The caller holds the other end of its standard input; when that closes, or says anything, the program and all that came of it
are ended. It imports nothing of ours, and starts in no time. Where the system lets it (Linux), programs that have left their
group are found all the same, and the program does not outlive this one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE_S = 5.0
"""How long a program may take to end by itself."""
LOOK_EVERY_S = 1.0
LONGEST_LOG_BYTES = 256 * 2**20
"""A log that gets longer begins anew: servers write a line for each request."""
_TO_THE_PARENT_SIGNAL = 1
_TAKE_ORPHANS = 36
"""What Linux calls PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER."""


def main() -> int:
    """Run the program that the arguments name; return its exit code."""
    caller = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # only the end of the caller counts
    tell_system = _system_call()
    tell_system(_TAKE_ORPHANS, 1)

    def begin() -> None:
        tell_system(_TO_THE_PARENT_SIGNAL, signal.SIGKILL)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # an ignored signal would be inherited, and the program could not be ended

    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=begin)
    threading.Thread(target=_end_when_alone, args=(program, caller), daemon=True).start()
    code = program.wait()
    _tell(program.pid, signal.SIGKILL)  # what it left behind
    _end_orphans()
    return 128 - code if code < 0 else code


def _system_call() -> Callable[[int, int], object]:
    """Linux's prctl, looked up before there are two processes; nothing where the system has none."""
    try:
        call: Callable[[int, int], object] = ctypes.CDLL(None).prctl
    except (OSError, AttributeError, TypeError):
        return lambda _what, _value: None
    return call


def _end_when_alone(program: subprocess.Popen[bytes], caller: int) -> None:
    while os.getppid() == caller:  # others may hold the caller's end of the pipe: what it forked
        if select.select([0], [], [], LOOK_EVERY_S)[0]:
            break
        _shorten_log()
    _tell(program.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while program.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    _tell(program.pid, signal.SIGKILL)


def _shorten_log() -> None:
    with contextlib.suppress(OSError):
        if os.fstat(1).st_size > LONGEST_LOG_BYTES:
            os.ftruncate(1, 0)  # it is written at its end, wherever that is


def _tell(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_orphans() -> None:
    """End what the program had started in groups of their own: the system made them children of this process."""
    for _ in range(100):  # each generation is seen once the one before it is gone
        children = list(_children())
        if not children:
            return
        for child in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)


def _children() -> Iterator[int]:
    for about in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = about.read_bytes().rpartition(b")")[2].split()[1]
            if int(parent) == os.getpid():
                yield int(about.parent.name)


if __name__ == "__main__":
    sys.exit(main())
