"""What guards code on systems that have no namespaces for everybody: run in a process of its own, which adopts orphans."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from steps.sandbox import guard

T = TypeVar("T")

ORPHANS = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import guard

guard._libc("prctl", guard.BE_SUBREAPER, 1, 0, 0, 0)
os.setpgid(0, 0)
if (code := os.fork()) == 0:
    os.setpgid(0, 0)
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            os.fork()
            time.sleep(60)
    os._exit(7)
while (ended := guard._ended(code, 1)) is None:
    time.sleep(0.01)
while (before := len(list(guard._descendants()))) < 6:
    time.sleep(0.01)
guard._end_all(code)
print(ended, before, list(guard._descendants()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has orphans adopted")
def test_orphans_that_left_the_group_are_ended_one_by_one() -> None:
    command = [sys.executable, "-c", ORPHANS, str(Path(guard.__file__).parent)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "(7, '') 6 []\n"


def test_the_guard_needs_nothing_but_the_standard_library() -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import guard; print('pydantic' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(Path(guard.__file__).parent)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_code_ends_with_the_worker_that_asked_for_it() -> None:
    source = "import time; print('up', flush=True); open('up', 'w').close(); time.sleep(60)"
    asking = f"from steps.sandbox import Limits, run_python; run_python({source!r}, limits=Limits(wall_s=60))"
    worker = subprocess.Popen([sys.executable, "-c", asking])
    try:
        started = _wait_for(lambda: _below(worker.pid), 30)
        folder = Path(f"/proc/{started[-1]}/cwd").readlink()
    finally:
        worker.kill()
        worker.wait()

    assert len(started) >= 3  # guard, keeper and code
    assert _wait_for(lambda: not [pid for pid in started if Path(f"/proc/{pid}/cmdline").exists()], 30)
    shutil.rmtree(folder)  # nobody else is left to do it


def _below(pid: int) -> list[str]:
    """Processes that this one started, and those that they started, once the code is up."""
    found = [str(pid)]
    for one in found:
        for listed in Path(f"/proc/{one}/task").glob("*/children"):
            found += listed.read_text().split()
    is_up = any((Path(f"/proc/{one}/cwd") / "up").exists() for one in found)
    return found[1:] if is_up else []


def _wait_for(what: Callable[[], T], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
