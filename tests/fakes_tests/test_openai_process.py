"""The fake OpenAI server as a program of its own, for benchmarks and browser tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]


def test_as_a_process_it_prints_its_port_and_serves_its_counters() -> None:
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0", "--latency", "0.1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, port = process.stdout.readline().split()
            url = f"http://127.0.0.1:{port}"
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
            _read(Request(f"{url}/v1/chat/completions", body))
            counted = _read(Request(f"{url}/_stats"))
            _read(Request(f"{url}/_reset", method="POST"))
            forgotten = _read(Request(f"{url}/_stats"))
        finally:
            process.terminate()

    assert word == "PORT"
    assert (counted["by_prompt"], counted["by_status"]) == ({"hi": 1}, {"200": 1})
    assert forgotten["requests"] == 0
    assert process.returncode == 0


def _read(request: Request) -> dict[str, Any]:
    with urlopen(request, timeout=5) as response:
        answer: dict[str, Any] = json.load(response)
    return answer
