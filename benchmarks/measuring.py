"""What a command costs: wall time, CPU and memory of its whole process tree. Linux only.

CPU is exact: this process adopts orphans (PR_SET_CHILD_SUBREAPER), so every descendant is waited for and counted.
Memory is sampled: the RSS sum every 50 ms; PSS, which counts shared pages once, whenever that sum has grown. A PSS reading
takes ~10 ms a process, so at most a tenth of the time is spent on it: a PSS peak of less than half a second can be missed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_S = 0.05
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command cost; `others_cpu_s` is what everything else on the machine used meanwhile."""

    wall_s: float
    cpu_s: float
    others_cpu_s: float
    peak_pss_mb: float
    peak_rss_mb: float
    output: str
    started_at: float = 0.0
    """Unix time."""


class CommandFailed(RuntimeError):
    """The command did not end well; the message ends with what it wrote last."""


def measure(command: list[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> Cost:
    """Run a command to its end.

    Raises:
        CommandFailed: Its exit code is not 0, or it took longer than `timeout_s`.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    known = {child.pid for child in psutil.Process().children()}
    machine, own, children, started = machine_cpu_s(), time.process_time(), children_cpu_s(), time.perf_counter()
    started_at = time.time()
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    sampler = Sampler(lambda: [process.pid, *_adopted(known)])
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _kill(sampler.tree())
        process.communicate()
        raise CommandFailed(f"took longer than {timeout_s:g} s: {' '.join(command)}") from None
    finally:
        wall_s = time.perf_counter() - started
        sampler.stop()
        _reap(known)
    if process.returncode:
        raise CommandFailed(f"exit code {process.returncode}: {' '.join(command)}\n{output[-2000:]}")
    cpu_s = children_cpu_s() - children
    others_cpu_s = machine_cpu_s() - machine - cpu_s - (time.process_time() - own)
    return Cost(wall_s, cpu_s, max(0.0, others_cpu_s), sampler.peak_pss / 1e6, sampler.peak_rss / 1e6, output, started_at)


class Sampler(threading.Thread):
    """Keeps the highest memory of some processes and their descendants, until stopped."""

    def __init__(self, roots: Callable[[], list[int]]) -> None:
        super().__init__(daemon=True)
        self.peak_rss = self.peak_pss = 0
        self._roots = roots
        self._stopped = threading.Event()
        self._next_pss = 0.0
        self._rss_at_pss = 0
        self.start()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_S):
            processes = self.tree()
            rss = sum(_read(process, lambda process: process.memory_info().rss) for process in processes)
            self.peak_rss = max(self.peak_rss, rss)
            if rss > self._rss_at_pss and time.monotonic() >= self._next_pss:
                started = time.monotonic()
                pss = sum(_read(process, lambda process: process.memory_full_info().pss) for process in processes)
                self.peak_pss, self._rss_at_pss = max(self.peak_pss, pss), rss
                self._next_pss = started + 10 * (time.monotonic() - started)

    def tree(self) -> list[psutil.Process]:
        """The processes as they are now."""
        found: dict[int, psutil.Process] = {}
        for pid in self._roots():
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                found.update((process.pid, process) for process in [root, *root.children(recursive=True)])
        return list(found.values())


def _read(process: psutil.Process, value: Callable[[psutil.Process], int]) -> int:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return value(process)
    return 0


def _adopted(known: set[int]) -> list[int]:
    return [child.pid for child in psutil.Process().children() if child.pid not in known]


def _reap(known: set[int]) -> None:
    """Wait for the orphans that the command left; those that stay longer than 10 s are killed."""
    deadline = time.monotonic() + 10
    while pids := _adopted(known):
        for pid in pids:
            if time.monotonic() > deadline:
                _kill([psutil.Process(pid)])
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def children_cpu_s() -> float:
    """CPU seconds of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine_cpu_s() -> float:
    """CPU seconds that the whole machine has used so far."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)
