"""A real Argilla server, unmodified, for tests: SQLite, Redis, and `tests.fakes.search` where Elasticsearch would be.

`tools/argilla.sh` installs it into build/argilla. It may be stopped and started again, and keeps what it has.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.search import FakeSearch
from tests.fakes.serving import HOST, running

INSTALLED = Path(__file__).parents[2] / "build" / "argilla"
PYTHON = INSTALLED / "venv" / "bin" / "python"
DATABASE = INSTALLED / "owner.db"
OWNER_KEY = "owner.key-of-the-tests"
"""Of the owner that `tools/argilla.sh` made."""
PASSWORD = "password-of-the-tests"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20


def missing() -> str:
    """Why there can be no server here; empty where there can be one."""
    if not (INSTALLED / "version").exists():
        return "no Argilla server is installed; `make test` does, where it can"
    return "" if shutil.which("redis-server") else "no redis-server is installed"


class ServerEnded(RuntimeError):
    """The server did not come up."""


class ArgillaServer:
    """A server with one owner, at a port of its own; files and logs lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._server: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> ArgillaServer:
        shutil.copy(DATABASE, self._folder / "argilla.db")
        search = self._stack.enter_context(running(FakeSearch()))
        redis = ["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"]
        self._stack.callback(_end, self._begin("redis", redis))
        self._environment = {
            **os.environ,
            "ARGILLA_HOME_PATH": str(self._folder),
            "ARGILLA_DATABASE_URL": f"sqlite+aiosqlite:///{self._folder}/argilla.db",
            "ARGILLA_ELASTICSEARCH": search,
            "ARGILLA_REDIS_URL": f"unix://{self._folder}/redis.sock",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_OFFLINE": "1",
            "TMPDIR": str(self._folder),  # it copies its web page there whenever it starts
        }
        self._stack.callback(self.stop)
        try:
            self.start()
        except ServerEnded:  # somebody was faster at that port
            self.port = _free_port()
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Serve, and wait until it does."""
        self._server = self._begin("argilla", self._argilla("start", "--host", HOST, "--port", str(self.port)))
        for _ in _attempts(START_TIMEOUT_S):
            if self._server.poll() is not None:
                raise ServerEnded(f"{self._folder}/argilla.log says why")
            try:
                httpx.get(f"{self.url}/api/v1/version", trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                continue
        raise TimeoutError(f"the server does not answer; {self._folder}/argilla.log says why")

    def stop(self) -> None:
        """End it as a cut would: what is under way is lost."""
        if self._server is not None:
            _end(self._server, signal.SIGKILL)
            self._server = None

    def client(self, key: str = OWNER_KEY) -> httpx.Client:
        """A client of the HTTP API, as this user."""
        return httpx.Client(
            base_url=f"{self.url}/api/v1/", headers={"X-Argilla-Api-Key": key}, timeout=30, trust_env=False, verify=False
        )

    def add_workspace(self, name: str) -> dict[str, Any]:
        """A workspace of this name; the owner is a member."""
        with self.client() as client:
            made: dict[str, Any] = _checked(client.post("workspaces", json={"name": name}))
            return made

    def add_user(self, name: str, workspace: dict[str, Any], role: str = "annotator") -> str:
        """A user who may work in a workspace; returns the key."""
        with self.client() as client:
            told = {"username": name, "first_name": name, "role": role, "password": PASSWORD}
            made = _checked(client.post("users", json=told))
            _checked(client.post(f"workspaces/{workspace['id']}/users", json={"user_id": made["id"]}))
            return str(made["api_key"])

    def _argilla(self, *arguments: str) -> list[str]:
        return [str(PYTHON), "-m", "argilla_server", *arguments]

    def _begin(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        environment = getattr(self, "_environment", None)
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log)


def _end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(how)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _attempts(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.05)


def _checked(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
