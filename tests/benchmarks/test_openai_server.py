"""The server of the benchmarks, as a process: it behaves as it is told, counts, and its replies can be checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.openai_server import Conduct, Server, answer, openai_server, question


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with openai_server() as server:
        yield server


def ask(server: Server, prompt: str) -> str:
    """The reply, or the status of an error with its headers about limits."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]}).encode()
    try:
        with urlopen(Request(f"{server.url}/chat/completions", body), timeout=5) as response:
            return str(json.load(response)["choices"][0]["message"]["content"])
    except HTTPError as error:
        with error:
            return f"{error.code} {error.headers['retry-after']} {error.headers['x-ratelimit-limit-requests']}"


def test_a_reply_belongs_to_its_row_whatever_is_wrapped_around_the_prompt(server: Server) -> None:
    server.behave(Conduct(0))

    assert ask(server, f"Please answer.\n{question(7)}\nBe brief.") == answer(7)
    assert ask(server, "Are you there?") == "ready"
    assert answer(7) != answer(8)


def test_it_counts_from_zero_for_each_run(server: Server) -> None:
    server.behave(Conduct(0))
    for number in (1, 2, 2):
        ask(server, question(number))
    ask(server, "Are you there?")

    assert (server.counts().requests, server.counts().answered) == (4, 4)
    assert server.asked() == {1: 1, 2: 2}
    server.behave(Conduct(0))
    assert (server.counts().requests, server.counts().first_at, server.asked()) == (0, None, {})


def test_a_share_of_the_requests_fails_and_the_same_ones_each_time(server: Server) -> None:
    def fails() -> list[int]:
        server.behave(Conduct(0, error_share=0.3))
        return [number for number in range(50) if ask(server, question(number)).startswith("500")]

    first = fails()
    assert 5 <= len(first) <= 25
    assert server.counts().failed == len(first)
    assert fails() == first


def test_beyond_the_rate_it_says_only_when_to_come_back(server: Server) -> None:
    server.behave(Conduct(0, requests_per_s=2))

    assert [ask(server, question(number)) for number in range(3)] == [answer(0), answer(1), "429 1 None"]
    assert server.counts().refused == 1


def test_one_row_in_so_many_is_slow(server: Server) -> None:
    server.behave(Conduct(0, slow_every=2, slow_s=0.5))
    for number in (1, 2):
        ask(server, question(number))

    counts = server.counts()
    assert counts.first_at is not None
    assert counts.first_reply_at is not None
    assert counts.last_reply_at is not None
    assert counts.first_reply_at - counts.first_at < 0.4
    assert counts.last_reply_at - counts.first_reply_at >= 0.5
