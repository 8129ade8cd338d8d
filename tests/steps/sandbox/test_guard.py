"""What guards code on systems that have no namespaces for everybody: run in a process of its own, which adopts orphans."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steps.sandbox import guard

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
