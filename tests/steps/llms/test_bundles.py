"""Questions of several rows in one request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.errors import AuthFailed, BadRequest, LLMError, NetworkFailed, ServerFailed
from steps.llms.base import LLM, Completion, Request, Usage
from steps.llms.bundles import Bundles, Rider, parts_of


def question(text: str) -> Request:
    return Request([{"role": "user", "content": text}])


class Server:
    """Answers in capitals; `bad` texts are refused, wherever they stand."""

    def __init__(self, bad: Sequence[str] = (), error: type[LLMError] = BadRequest, seconds: float = 0.0) -> None:
        self.sizes: list[int] = []
        self._bad = bad
        self._error = error
        self._seconds = seconds

    async def send(self, request: Request, riders: Sequence[Rider[int]]) -> list[Completion]:
        texts = [str(message["content"]) for message in request.chat]
        self.sizes.append(len(texts))
        await asyncio.sleep(self._seconds)
        if any(text in self._bad for text in texts):
            raise self._error("no")
        return parts_of(Completion([text.upper() for text in texts], "m", Usage(10 * len(texts))), riders)


class Model(LLM):
    rows: int
    chars: int = 300_000

    @property
    def rows_per_request(self) -> int:
        return self.rows

    @property
    def chars_per_request(self) -> int:
        return self.chars


async def ask_all(
    server: Server, texts: Sequence[str], most: int = 8, at_once: int = 99, most_chars: int = 300_000
) -> list[Completion | BaseException]:
    together: Bundles[int] = Bundles(Model(rows=most, chars=most_chars, max_concurrency=at_once), server.send)
    return await asyncio.gather(*(together.ask(question(text), at) for at, text in enumerate(texts)), return_exceptions=True)


def said(found: Sequence[Completion | BaseException]) -> list[str]:
    return [one.texts[0] if isinstance(one, Completion) else type(one).__name__ for one in found]


async def test_each_gets_its_own_part_of_the_reply() -> None:
    server = Server()
    texts = [f"text {number}" for number in range(20)]

    assert said(await ask_all(server, texts)) == [text.upper() for text in texts]
    assert server.sizes == [8, 8, 4]


async def test_one_that_is_refused_is_parted_from_the_others() -> None:
    server = Server(bad=["c"])

    assert said(await ask_all(server, "abcdefgh")) == ["A", "B", "BadRequest", *"DEFGH"]
    assert len(server.sizes) == 7


@pytest.mark.parametrize("count", [2, 3, 64, 1000])
async def test_a_server_that_fails_at_everything_is_asked_few_times(count: int) -> None:
    texts = [f"text {number}" for number in range(count)]
    server = Server(bad=texts, error=ServerFailed)

    assert set(said(await ask_all(server, texts, most=count))) == {"ServerFailed"}
    assert len(server.sizes) <= 5


@given(bad=st.sets(st.integers(0, 62)), most=st.integers(2, 64))
def test_texts_that_a_server_fails_at_are_found_while_it_answers_a_short_one(bad: set[int], most: int) -> None:
    texts = [f"text {number}" for number in range(63)]
    texts[::2] = [f"{number}" for number in range(0, 63, 2)]  # the short ones are fine
    server = Server(bad=[texts[at] for at in bad if at % 2], error=ServerFailed)

    found = said(asyncio.run(ask_all(server, texts, most=most)))

    assert found == ["ServerFailed" if at % 2 and at in bad else text.upper() for at, text in enumerate(texts)]


@pytest.mark.parametrize("error", [AuthFailed, NetworkFailed])
async def test_what_is_so_for_all_is_told_to_all(error: type[LLMError]) -> None:
    server = Server(bad=["c"], error=error)

    assert set(said(await ask_all(server, "abcdefgh"))) == {error.__name__}
    assert server.sizes == [8]


async def test_long_texts_travel_apart() -> None:
    server = Server()

    await ask_all(server, ["x" * 60, "y" * 60, "z" * 200], most_chars=100)

    assert server.sizes == [1, 1, 1]


async def test_while_the_server_is_busy_questions_wait_for_company() -> None:
    server = Server(seconds=0.2)
    together: Bundles[int] = Bundles(Model(rows=100, max_concurrency=1), server.send)

    async def ask_later(at: int) -> None:
        await asyncio.sleep(0.03 * at)
        await together.ask(question(str(at)), at)

    await asyncio.gather(*map(ask_later, range(7)))

    assert server.sizes == [1, 6]


async def test_a_request_that_nobody_waits_for_any_more_is_given_up() -> None:
    server = Server(seconds=30)
    asked = [asyncio.ensure_future(ask_all(server, "ab"))]
    await asyncio.sleep(0.05)

    asked[0].cancel()
    await asyncio.wait(asked)
    await asyncio.sleep(0)

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


@given(st.lists(st.text(max_size=30), min_size=1, max_size=20), st.integers(0, 10_000))
def test_shares_of_the_tokens_add_up(texts: list[str], tokens: int) -> None:
    loop = asyncio.new_event_loop()
    riders = [Rider(question(text), 0, loop.create_future()) for text in texts]
    loop.close()
    completion = replace(Completion(texts, "m"), usage=Usage(tokens, tokens // 3))

    parts = parts_of(completion, riders)

    assert [part.texts for part in parts] == [[text] for text in texts]
    assert sum((part.usage for part in parts), Usage()) == completion.usage
