"""A browser and a real server for tests and pictures of the page."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def serving(runs_dir: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """The app in a process of its own; gives its address."""
    log = runs_dir.parent / "app.log"
    command = [sys.executable, "-m", "tests.ui.serve", "--runs-dir", str(runs_dir), *arguments]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=out, env={**os.environ, **(environment or {})}, text=True
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("PORT "):
                raise RuntimeError(f"the app did not start: {log.read_text()[-2000:]}")
            url = f"http://127.0.0.1:{line.split()[1]}"
            _wait(f"{url}/api/health", process)
            yield url
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _wait(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=1) as reply:
            if reply.status == 200:
                return
        if process.poll() is not None:
            raise RuntimeError("the app ended while it started")
        time.sleep(0.1)
    raise RuntimeError("the app does not answer")


class Watched:
    """What went wrong in pages: errors, and requests that left this machine."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def watch(self, page: Page) -> Page:
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        page.on("console", lambda message: self._console(message))
        page.on("request", lambda request: self._request(request.url))
        return page

    def _console(self, message: Any) -> None:
        # what Gradio says when a page is left while its stream is open
        leaving = ("Failed to load resource", "AbortError", "Connection errored out")
        if message.type == "error" and not any(words in message.text for words in leaving):
            self.wrong.append(f"console: {message.text}")

    def _request(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.wrong.append(f"request to {url}")


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield found
        finally:
            found.close()
