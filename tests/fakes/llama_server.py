"""A program that is started as llama.cpp's server is, and is sick as `$FAKE_LLAMA` says: JSON with fields of `Sickness`.

`$DISTILFLOW_LLAMA_SERVER` names it; it needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VARIABLE = "FAKE_LLAMA"


@dataclass
class Sickness:
    pids: str = ""
    """File that gets the ids of all its processes, and those it starts, a line each."""
    says: str = ""
    """What it writes to its log when it starts."""
    says_megabytes: int = 0
    loads_s: float = 0.0
    dies_loading: bool = False
    is_never_healthy: bool = False
    dies_of: str = ""
    """A question with this word ends it."""
    dies_once: str = ""
    """File that says that it did: then it does so no more."""
    answers_never: bool = False
    status: int = 200
    """Of its answers to chats."""
    is_deaf: bool = False
    """It does not end when it is told to."""
    has_children: bool = False
    """It starts a program in its group, and one that leaves it."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--alias", default="m")
    args, _ = parser.parse_known_args()
    sick = Sickness(**json.loads(os.environ.get(VARIABLE) or "{}"))
    note(sick, os.getpid())
    if sick.is_deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(sick.says, flush=True)
    if sick.has_children:
        for leaves in (False, True):
            note(sick, subprocess.Popen(["sleep", "600"], start_new_session=leaves).pid)
    for _ in range(sick.says_megabytes):
        print("x" * 2**20, flush=True)
    time.sleep(sick.loads_s)
    if sick.dies_loading:
        sys.exit(3)
    Server.sick, Server.model = sick, args.alias
    ThreadingHTTPServer(("127.0.0.1", args.port), Server).serve_forever()


def note(sick: Sickness, pid: int) -> None:
    if sick.pids:
        with Path(sick.pids).open("a") as stream:
            stream.write(f"{pid}\n")


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sick = Sickness()
    model = "m"

    def do_GET(self) -> None:
        self.tell({"status": "ok"}, 503 if self.sick.is_never_healthy else 200)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = asked["messages"][-1]["content"]
        if self.sick.dies_of and self.sick.dies_of in question and not Path(self.sick.dies_once or "/no/such").exists():
            if self.sick.dies_once:
                Path(self.sick.dies_once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.sick.answers_never:
            time.sleep(600)
        message = {"role": "assistant", "content": f"{os.getpid()} {question}"}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}] * asked.get("n", 1)
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        self.tell({"model": self.model, "choices": choices, "usage": usage}, self.sick.status)

    def tell(self, what: dict[str, Any], status: int) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    main()
