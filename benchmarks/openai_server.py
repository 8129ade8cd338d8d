"""The server that benchmarks ask: the tests' fake of OpenAI in a process of its own, told by every run how to behave.

Prompts are those of `question`; each gets the reply `answer` of the same number, whatever a system wraps around it. So a result
can be checked row by row, and the server knows which rows were asked twice.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import psutil
from aiohttp import web

from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Messages, Rule
from tests.fakes.openai_server.wire import prompt_of
from tests.fakes.serving import HOST, running

ROOT = Path(__file__).parents[1]
MODEL = "mock"
_NUMBER = re.compile(r"Question (\d+):")
_SEED = 1


def question(number: int) -> str:
    """The prompt of a row: about 300 characters."""
    return f"Question {number}: {'what would you say about one more of these things, ' * 5}and about number {number % 97}?"


def answer(number: int) -> str:
    """The reply to `question(number)`: about 400 characters."""
    return f"Answer {number}: {'there is a lot to be said for it, and some against it; ' * 7}so much for number {number % 89}."


def number_in(prompt: str) -> int | None:
    """The row that a prompt is about; None for what systems ask on their own account."""
    found = _NUMBER.search(prompt)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the server behaves during one run."""

    latency_s: float = 0.2
    slow_every: int | None = None
    """One row in so many takes `slow_s` instead of `latency_s`."""
    slow_s: float = 5.0
    error_share: float = 0.0
    """Share of the requests that get a 500; the same requests by order of arrival in every run."""
    requests_per_s: float | None = None
    """Rate beyond which a request gets 429 and `Retry-After: 1`, at once; the bucket holds a second's worth."""

    def behaviour(self) -> Behaviour:
        chance = random.Random(_SEED)
        share = self.error_share

        def fails(prompt: str) -> bool:
            return number_in(prompt) is not None and chance.random() < share

        rules = [Rule(fails, Fault.SERVER_ERROR)] if share else []
        burst = int(self.requests_per_s or 1)
        return Behaviour(
            self._latency_of,
            _reply,
            rules,
            (MODEL,),
            requests_per_s=self.requests_per_s,
            burst=burst,
            retry_after="1",
            tells_limits=False,
        )

    def _latency_of(self, prompt: str) -> float:
        number = number_in(prompt)
        is_slow = self.slow_every is not None and number is not None and number % self.slow_every == 0
        return self.slow_s if is_slow else self.latency_s


def _reply(messages: Messages, choice: int, model: str) -> str:
    number = number_in(prompt_of(messages))
    return "ready" if number is None else answer(number)


# ---- seen from a benchmark


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server counted since it was last told how to behave. Times are Unix seconds."""

    requests: int
    by_status: Mapping[str, int]
    in_flight: int
    peak_in_flight: int
    first_at: float | None
    first_reply_at: float | None
    last_reply_at: float | None

    @property
    def answered(self) -> int:
        return self.by_status.get("200", 0)

    @property
    def refused(self) -> int:
        return self.by_status.get("429", 0)

    @property
    def failed(self) -> int:
        return self.by_status.get("500", 0)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as benchmarks use it; the base URL of clients is `url`."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"

    def behave(self, conduct: Conduct) -> None:
        """Behave so from now on, and count from zero."""
        self._ask("POST", "/_conduct", orjson.dumps(asdict(conduct)))

    def counts(self) -> Counts:
        return Counts(**orjson.loads(self._ask("GET", "/_counts")))

    def asked(self) -> dict[int, int]:
        """How often each row was asked."""
        return {int(number): times for number, times in orjson.loads(self._ask("GET", "/_asked")).items()}

    def cpu_s(self) -> float:
        """CPU seconds that the server has used."""
        return float(sum(psutil.Process(self.pid).cpu_times()[:2]))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = HTTPConnection(HOST, self.port, timeout=30)
        connection.request(method, path, body)
        with closing(connection), connection.getresponse() as response:
            assert response.status == 200, f"{path}: {response.status}"
            return response.read()


@contextmanager
def openai_server() -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.openai_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


# ---- the process


class BenchServer:
    """The fake with routes of its own: it is told how to behave, and its counters are small enough to be polled."""

    def __init__(self) -> None:
        self._fake = FakeOpenAI(Conduct().behaviour())

    def build_app(self) -> web.Application:
        app = self._fake.build_app()
        app.router.add_post("/_conduct", self._behave)
        app.router.add_get("/_counts", self._counts)
        app.router.add_get("/_asked", self._asked)
        app.router.add_get("/v1/v1/models", self._ready)
        return app

    async def _behave(self, request: web.Request) -> web.Response:
        self._fake.behaviour = Conduct(**orjson.loads(await request.read())).behaviour()
        self._fake.reset()
        return web.Response()

    async def _counts(self, _: web.Request) -> web.Response:
        stats = self._fake.stats
        by_status = {str(status): count for status, count in stats.by_status.items()}
        counts = Counts(
            stats.requests,
            by_status,
            stats.in_flight,
            stats.peak_in_flight,
            stats.first_at,
            stats.first_reply_at,
            stats.last_reply_at,
        )
        return _json(asdict(counts))

    async def _ready(self, _: web.Request) -> web.Response:
        """What datatrove asks before it starts; it adds /v1 to a base URL that ends with it."""
        return _json({"data": []})

    async def _asked(self, _: web.Request) -> web.Response:
        asked: dict[str, int] = {}
        for prompt, times in self._fake.stats.by_prompt.items():
            if (number := number_in(prompt)) is not None:
                asked[str(number)] = asked.get(str(number), 0) + times
        return _json(asked)


def _json(found: Mapping[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(found), content_type="application/json")


def main() -> None:
    """Print the port once the server listens, then serve until SIGINT or SIGTERM."""
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    with running(BenchServer()) as url:
        print(url.rpartition(":")[2], flush=True)
        signal.sigwait(stops)


if __name__ == "__main__":
    main()
