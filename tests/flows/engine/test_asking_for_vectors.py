"""Vectors from a server: asked for as replies are, many rows in a request."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flows.engine import gate
from flows.engine.engine import Engine
from flows.engine.tally import Tally
from steps.errors import AuthFailed, ModelUnfit
from tests.fakes.providers import BAD_KEY, FakeProviders, Prompt, vector_of
from tests.fakes.serving import running
from tests.flows.engine.running import Result, run_steps


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PAUSE_S", 0.01)


def embed(
    folder: Path, url: str, texts: list[str], during: Callable[[Engine], Awaitable[None]] | None = None, **model: Any
) -> Result:
    made = {"use": "ClientvLLMEmbeddings", "model": "m", "base_url": f"{url}/v1", "max_retries": 2, **model}
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": text} for text in texts]}},
        {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": {"embeddings": made}},
    ]
    return run_steps(folder, steps, during=during)


def texts_of(count: int) -> list[str]:
    return [f"text {number} of many" for number in range(count)]


def test_every_row_gets_the_vector_of_its_text_by_few_requests(tmp_path: Path) -> None:
    server = FakeProviders("vllm")
    with running(server) as url:
        result = embed(tmp_path, url, texts_of(200), inputs_per_request=40)

    assert [row["embedding"] for row in result.only] == [vector_of(text) for text in texts_of(200)]
    assert 5 <= len(server.seen) <= 10
    assert max(len(one.body["input"]) for one in server.seen) == 40


def test_tokens_and_requests_are_counted_once(tmp_path: Path) -> None:
    server = FakeProviders("vllm")
    with running(server) as url:
        result = embed(tmp_path, url, texts_of(50), price={"input": 1.0, "output": 0.0})

    used = result.counts["embed"].usage
    assert (used.input_tokens, used.requests) == (200, len(server.seen))
    assert used.cost == pytest.approx(200 / 1_000_000)


def test_vectors_that_are_on_disk_are_not_paid_for_again(tmp_path: Path) -> None:
    server = FakeProviders("vllm")
    with running(server) as url:
        embed(tmp_path, url, texts_of(30))
        shutil.rmtree(tmp_path / "ledger")  # as if it had ended before any row was done: the journal alone knows
        seen = len(server.seen)
        result = embed(tmp_path, url, texts_of(33))

    assert [row["embedding"] for row in result.only] == [vector_of(text) for text in texts_of(33)]
    assert [text for one in server.seen[seen:] for text in one.body["input"]] == texts_of(33)[30:]


def test_a_text_that_is_refused_costs_its_row_and_no_other(tmp_path: Path) -> None:
    server = FakeProviders("vllm")
    texts = [*texts_of(20), str(Prompt.LONG), *texts_of(25)[20:]]
    with running(server) as url:
        result = embed(tmp_path, url, texts)

    assert [failure.code for failure in result.failures] == ["context-too-long"]
    assert result.failures[0].row["text"] == Prompt.LONG
    assert [row["embedding"] for row in result.only] == [vector_of(text) for text in texts_of(25)]


def test_a_blank_text_is_told_in_words_and_not_sent(tmp_path: Path) -> None:
    server = FakeProviders("vllm")
    with running(server) as url:
        result = embed(tmp_path, url, ["", *texts_of(5), " \n"])

    assert [(one.code, one.message) for one in result.failures] == [
        ("missing-value", "column 'text' is blank: ''"),
        ("missing-value", "column 'text' is blank: ' \\n'"),
    ]
    assert [text for one in server.seen for text in one.body["input"]] == texts_of(5)


@pytest.mark.parametrize("words", [Prompt.FAIL, Prompt.CUT, Prompt.WAIT])
def test_what_may_pass_is_asked_again(tmp_path: Path, words: str) -> None:
    server = FakeProviders("mistral")
    with running(server) as url:
        result = embed(tmp_path, url, [*texts_of(5), words], use="MistralEmbeddings", api_key="${MY_KEY}")

    assert result.failures == []
    assert len(server.seen) == 2


@pytest.fixture(autouse=True)
def own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "good-key-0123456789")


def test_a_bad_key_ends_the_run_and_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", BAD_KEY)
    with running(FakeProviders("vllm")) as url, pytest.raises(AuthFailed) as raised:
        embed(tmp_path, url, texts_of(5), api_key="${MY_KEY}")

    assert "$MY_KEY" in raised.value.fix
    assert BAD_KEY not in str(raised.value)


def test_a_server_that_takes_no_notice_of_the_wanted_length_ends_the_run_in_words(tmp_path: Path) -> None:
    server = FakeProviders("llama.cpp")
    used: list[Tally] = []

    async def note(engine: Engine) -> None:
        while not engine.counts["embed"].usage.requests:
            await asyncio.sleep(0.005)
        used.append(engine.counts["embed"].usage)

    model = {"use": "OpenAIEmbeddings", "dimensions": 5, "inputs_per_request": 10, "max_concurrency": 1}
    with running(server) as url, pytest.raises(ModelUnfit) as raised:
        embed(tmp_path, url, texts_of(100), note, **model)

    assert "vectors of 8 numbers where `dimensions` asks for 5" in raised.value.message
    assert "set it to 8" in raised.value.fix
    assert len(server.seen) == 1
    assert used[0].input_tokens == 40  # paid for all the same


def test_more_texts_than_a_server_takes_are_sent_in_parts(tmp_path: Path) -> None:
    server = FakeProviders("huggingface")  # plays a server that takes 32, where the row of the class allows 2048
    with running(server) as url:
        result = embed(tmp_path, url, texts_of(64), inputs_per_request=64, api_key="${MY_KEY}")

    assert result.failures == []
    assert len(result.only) == 64


def test_a_budget_of_tokens_ends_the_asking(tmp_path: Path) -> None:
    server = FakeProviders("vllm")
    made = {"use": "ClientvLLMEmbeddings", "model": "m", "inputs_per_request": 10, "max_concurrency": 1}
    with running(server) as url:
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": text} for text in texts_of(200)]}},
            {
                "name": "embed",
                "use": "EmbeddingGeneration",
                "after": "load",
                "with": {"embeddings": {**made, "base_url": f"{url}/v1"}},
            },
        ]
        result = run_steps(tmp_path, steps, max_tokens=400)

    assert 100 <= result.counts["embed"].usage.tokens <= 400
    assert len(result.only) < 200


def test_a_run_that_is_stopped_ends_at_once_and_goes_on_later(tmp_path: Path) -> None:
    server = FakeProviders("vllm", delay_s=0.05)
    made = {"use": "ClientvLLMEmbeddings", "model": "m", "inputs_per_request": 10, "max_concurrency": 1}

    async def stop(engine: Engine) -> None:
        while len(server.seen) < 3:
            await asyncio.sleep(0.01)
        engine.stop()

    with running(server) as url:
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": text} for text in texts_of(200)]}},
            {
                "name": "embed",
                "use": "EmbeddingGeneration",
                "after": "load",
                "with": {"embeddings": {**made, "base_url": f"{url}/v1"}},
            },
        ]
        stopped = run_steps(tmp_path, steps, during=stop)
        went_on = run_steps(tmp_path, steps)

    assert 20 <= len(stopped.only) <= 60
    assert [row["embedding"] for row in went_on.only] == [vector_of(text) for text in texts_of(200)]
    assert sum(len(one.body["input"]) for one in server.seen) == 200
