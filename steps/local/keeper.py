"""Runs a program and ends it, with all that it started, as soon as whoever asked for it is gone, however that one died.

    python keeper.py PROGRAM ARGUMENT...

The caller holds the other end of its standard input; when that closes, the program and its group of processes are ended. It
imports nothing of ours, and starts in no time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE_S = 5.0
"""How long a program may take to end by itself."""


def main() -> int:
    """Run the program that the arguments name; return its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # only the end of the caller counts
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_hear_signals)
    threading.Thread(target=_end_when_alone, args=(program,), daemon=True).start()
    code = program.wait()
    _tell(program.pid, signal.SIGKILL)  # what it left behind
    return 128 - code if code < 0 else code


def _hear_signals() -> None:
    """An ignored signal would be inherited, and the program could not be ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _end_when_alone(program: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1 << 12):
        pass
    _tell(program.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while program.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    _tell(program.pid, signal.SIGKILL)


def _tell(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main())
