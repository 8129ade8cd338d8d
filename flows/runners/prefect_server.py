"""One Prefect server for this machine's app: started once, found again by the next start, shared by all runs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from pydantic import BaseModel, ValidationError

from steps.errors import RunError

START_TIMEOUT_S = 90.0


_started: list[subprocess.Popen[bytes]] = []
"""Servers of this process: they outlive it, so nobody waits for them."""


class ServerRecord(BaseModel):
    """Which server was started for a runs folder."""

    url: str
    pid: int


def ensure_server(home: Path) -> str:
    """API URL of a server that answers: $PREFECT_API_URL, the one that `home` remembers, or a new one.

    Raises:
        RunError: A new one does not answer within 90 s; the message names its log.
    """
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    record = _remembered(home)
    if record is None or not answers(record.url):
        record = _start(home)
    os.environ["PREFECT_API_URL"] = record.url
    return record.url


def end_server(home: Path) -> None:
    """End the server that `home` remembers, if it is still the one that was started."""
    record = _remembered(home)
    if record is not None and (any(process.pid == record.pid for process in _started) or answers(record.url)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(record.pid, signal.SIGTERM)
    _file(home).unlink(missing_ok=True)


def answers(url: str, timeout_s: float = 2.0) -> bool:
    """Whether a Prefect API is up at this URL."""
    with contextlib.suppress(urllib.error.URLError, OSError, ValueError):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/health", timeout=timeout_s) as reply:
            return bool(reply.status == 200)
    return False


def _start(home: Path) -> ServerRecord:
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url, log = f"http://127.0.0.1:{port}/api", home / "prefect-server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    _started.append(process)
    record = ServerRecord(url=url, pid=process.pid)
    _file(home).write_text(record.model_dump_json())  # at once: whoever ends us now leaves a server that can be found
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if answers(url, timeout_s=1):
            return record
        time.sleep(0.2)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    raise RunError("the Prefect server did not start", f"see {log}, or set PREFECT_API_URL to one that runs")


def free_port() -> int:
    """A port that nobody listens at right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _remembered(home: Path) -> ServerRecord | None:
    with contextlib.suppress(FileNotFoundError, ValidationError):
        return ServerRecord.model_validate_json(_file(home).read_bytes())
    return None


def _file(home: Path) -> Path:
    return home / "prefect-server.json"
