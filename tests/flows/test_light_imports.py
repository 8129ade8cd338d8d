"""The command line takes time from every run that it starts: it must not import what works in other processes."""

from __future__ import annotations

import subprocess
import sys

ELSEWHERE = ("multiprocessing", "numpy", "pyarrow", "prefect", "aiohttp", "flows.engine.engine", "flows.engine.worker")


def test_the_command_line_imports_no_engine() -> None:
    script = f"import flows.cli.commands, sys; print(*(name for name in {ELSEWHERE} if name in sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
