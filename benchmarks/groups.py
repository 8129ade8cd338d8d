"""Commands that are to be interrupted: each leads a process group, and all that it started is found again. Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from flows.engine.events import WorkerChanged
from flows.runs import RunFolder

MARK = "DISTILFLOW_BENCH_RUN"
"""Environment variable by which what a command started is told from all else."""


class Group:
    """A running command, in a process group of its own. What it says goes to `log`."""

    def __init__(self, command: list[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> None:
        self._mark = uuid.uuid4().hex
        self._log = log
        with log.open("ab") as out:
            self._leader = subprocess.Popen(
                command, cwd=cwd, env={**env, MARK: self._mark}, stdout=out, stderr=out, start_new_session=True
            )
        self.started = time.perf_counter()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code; None when it has not ended by then."""
        try:
            return self._leader.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Whether the condition came true while the command ran."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._leader.poll() is None:
            if condition():
                return True
            time.sleep(0.01)
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._leader.pid, number)

    def processes(self) -> list[psutil.Process]:
        """All that live of what the command started, wherever they went."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.AccessDenied, psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == self._mark:
                    found.append(process)
        return found

    def end(self, grace_s: float = 10.0) -> list[str]:
        """Wait until nothing is left; kill what stays longer, and return the names of those."""
        deadline = time.monotonic() + grace_s
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        names = []
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                names.append(" ".join(process.cmdline())[:80])
                process.kill()
        self._leader.wait()
        return names

    @property
    def said(self) -> str:
        """The end of what it said."""
        return self._log.read_text(errors="replace")[-2000:]


def ready_workers(run: RunFolder) -> list[int]:
    """Process ids of the workers of a run that are ready now, in the order in which they came."""
    found: dict[int, None] = {}
    for event in run.read_events()[0]:
        if isinstance(event, WorkerChanged) and event.pid is not None:
            if event.state == "ready":
                found[event.pid] = None
            elif event.state in ("died", "ended"):
                found.pop(event.pid, None)
    return list(found)
