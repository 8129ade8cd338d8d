"""What systems run in: virtual environments of their own, a Prefect server, and no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from flows.runners.prefect_server import answers, end_server, ensure_server

ROOT = Path(__file__).parents[1]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
DISTILABEL = ("distilabel[openai]==1.5.3", "requests==2.34.2", "Pillow==13.0.0", "setuptools<81")
"""Packages of distilabel, with those that it needs and does not name."""


def python_with(packages: Sequence[str], folder: Path, alone: Sequence[str] = ()) -> Path:
    """The Python of a virtual environment that has these packages; made on first use, and anew after a change of them.

    Packages that stand `alone` are installed without those that they need.

    Raises:
        subprocess.CalledProcessError: They cannot be installed.
    """
    python, installed = folder / "bin" / "python", folder / "packages.txt"
    wanted = "\n".join([*packages, *alone])
    if not installed.exists() or installed.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *packages], check=True)
        if alone:
            subprocess.run([*install, "--no-deps", *alone], check=True)
        installed.write_text(wanted)
    return python


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """A server of its own, with a database of its own; ended afterwards."""
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    url = ensure_server(folder)
    try:
        assert answers(url)
        yield
    finally:
        end_server(folder)


@contextmanager
def fake_server(*options: str) -> Iterator[str]:
    """The tests' OpenAI server in a process of its own, with these options of its command; gives its address."""
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().split()[1]}"
        finally:
            process.terminate()


def prefect_server_cpu_s(folder: Path) -> float:
    """CPU seconds that the server of this folder has used; 0 where there is none."""
    record = folder / "prefect-server.json"
    if not record.exists():
        return 0.0
    server = psutil.Process(json.loads(record.read_text())["pid"])
    return float(sum(sum(process.cpu_times()[:2]) for process in [server, *server.children(recursive=True)]))
