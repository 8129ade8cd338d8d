"""Running `distilflow` as people do, in tests: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
MARK = "DISTILFLOW_TEST_RUN"
"""Environment variable by which the processes of one test are told from all others."""


@dataclass
class Ended:
    code: int
    out: str
    err: str


class Commands:
    """`distilflow` in one folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ALLOW_STEP_MODULES": "tests.flows.engine.own_steps,tests.flows.engine.own_models",
            "COLUMNS": "200",
            MARK: str(folder),
            **environment,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flows.cli", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def __call__(self, *arguments: str, timeout_s: float = 90) -> Ended:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=timeout_s)
        return Ended(process.returncode, out, err)

    def write(self, steps: list[dict[str, Any]], name: str = "pipeline.yaml", **more: Any) -> str:
        (self.folder / name).write_text(json.dumps({"distilflow": 1, "name": "test", "steps": steps, **more}))
        return name

    def rows(self, run: str = "r", leaf: str = "default") -> list[dict[str, Any]]:
        """What lies in the Distiset of a run."""
        [path] = (self.folder / "runs" / run / "distiset" / leaf).glob("*.parquet")
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found

    def report(self, run: str = "r") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "runs" / run / "run.json").read_text())
        return found

    def processes(self) -> list[psutil.Process]:
        """Every living process that this test started, however distant."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return found

    def wait_until_gone(self, timeout_s: float = 60) -> None:
        """Wait until no process of this test is left.

        Raises:
            AssertionError: Some are, after the time is over.
        """
        wait_for(lambda: not self.processes(), timeout_s, lambda: f"left over: {self.processes()}")


def wait_for(condition: Callable[[], Any], timeout_s: float = 120, say: Callable[[], str] = lambda: "it never came") -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, say()
        time.sleep(0.02)


def kill(process: psutil.Process | subprocess.Popen[str]) -> None:
    """SIGKILL, by pid."""
    os.kill(process.pid, signal.SIGKILL)
