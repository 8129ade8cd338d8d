"""Steps that ask a model: faults of the server cost the rows they hit, no others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.engine import gate
from flows.engine.engine import Engine
from steps.errors import AuthFailed, EndpointDown, RunError
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.engine.running import Result, run_steps


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(gate, "REFUSALS_PER_ROW", 3)
    monkeypatch.setattr(gate, "REFUSED_S", 0.5)
    monkeypatch.setattr(gate, "REFUSING_S", 0.5)


def ask(
    folder: Path,
    url: str,
    rows: int = 12,
    during: Callable[[Engine], Any] | None = None,
    extra: Sequence[str] = (),
    **llm: Any,
) -> Result:
    data = folder / "rows.jsonl"
    asked = (*(f"question {i:02d}" for i in range(rows)), *extra)
    data.write_text("".join(json.dumps({"instruction": text}) + "\n" for text in asked))
    model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "max_retries": 2, "timeout": 5, **llm}
    steps = [
        {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": str(data)}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": model}},
        {"name": "keep", "use": "KeepColumns", "after": "answer", "with": {"columns": ["instruction", "generation"]}},
    ]
    return run_steps(folder, steps, during=during)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.SERVER_ERROR, "server-failed"),
        (Fault.RATE_LIMITED, "rate-limited"),
        (Fault.CONTEXT_LENGTH, "context-too-long"),
        (Fault.CONTENT_FILTER, "content-filtered"),
        (Fault.GARBAGE, "server-failed"),
        (Fault.EMPTY, "server-failed"),
        (Fault.DISCONNECT, "network-failed"),
    ],
)
def test_a_fault_on_one_row_costs_that_row(tmp_path: Path, fault: Fault, code: str) -> None:
    rules = [Rule("question 03", fault, retry_after="0.05")]
    with running(FakeOpenAI(Behaviour(rules=rules))) as url:
        result = ask(tmp_path, url)

    assert [failure.code for failure in result.failures] == [code]
    assert len(result.only) == 11
    assert result.failures[0].row["instruction"] == "question 03"


def test_half_a_character_costs_the_row_that_holds_it(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url:
        result = ask(tmp_path, url, extra=["question \ud83d"])

    [failure] = result.failures
    assert failure.code == "bad-request"
    assert "JSON" in failure.message
    assert len(result.only) == 12


def test_a_server_that_never_answers_one_row_costs_that_row(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(rules=[Rule("question 03", Fault.HANG)]))) as url:
        result = ask(tmp_path, url, timeout=0.3, max_retries=1)

    assert [failure.code for failure in result.failures] == ["network-failed"]
    assert len(result.only) == 11


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.DISCONNECT, Fault.GARBAGE])
def test_a_fault_that_passes_costs_one_more_request(tmp_path: Path, fault: Fault) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("question 03", fault, times=1, retry_after="0.05")]))
    with running(fake) as url:
        result = ask(tmp_path, url)

    assert (len(result.only), result.failures) == (12, [])
    assert fake.stats.by_prompt["question 03"] == 2
    assert fake.stats.requests == 13


def test_a_server_that_is_not_there_stops_the_run_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EndpointDown, match="start"):
        ask(tmp_path, "http://127.0.0.1:9")


def test_a_server_that_fails_every_row_stops_the_run(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(rules=[Rule("", Fault.SERVER_ERROR)]))) as url, pytest.raises(EndpointDown):
        ask(tmp_path, url, rows=30, max_retries=0, max_concurrency=2)


def test_a_wrong_key_stops_the_run_at_once(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)]))
    with running(fake) as url, pytest.raises(AuthFailed, match="OPENAI_API_KEY"):
        ask(tmp_path, url, rows=500, max_concurrency=2)
    assert fake.stats.requests < 20


def test_no_more_requests_are_in_flight_than_allowed(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.02))
    with running(fake) as url:
        ask(tmp_path, url, rows=60, max_concurrency=7)

    assert fake.stats.peak_in_flight == 7


def test_a_slow_row_holds_up_nobody(tmp_path: Path) -> None:
    seen: set[int] = set()

    async def watch(engine: Engine) -> None:
        while engine.counts["keep"].made < 200:
            seen.add(engine.counts["keep"].made)
            await asyncio.sleep(0.01)

    fake = FakeOpenAI(Behaviour(latency_s=lambda prompt: 6.0 if "00" in prompt else 0.001))
    with running(fake) as url:
        result = ask(tmp_path, url, rows=200, during=watch, max_concurrency=4, timeout=30)

    assert len(result.only) == 200
    assert 199 in seen  # all the others had left when the slow one, the first, came through


def test_nobody_asks_while_the_server_says_wait(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(requests_per_s=40, burst=10))
    with running(fake) as url:
        result = ask(tmp_path, url, rows=60, max_concurrency=8, max_retries=20)

    assert (len(result.only), result.failures) == (60, [])


def test_answers_that_arrived_are_not_asked_for_again(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        fake.behaviour = Behaviour(rules=[Rule("question 07", Fault.UNAUTHORIZED)])
        with pytest.raises(AuthFailed):
            ask(tmp_path, url, max_concurrency=1)
        answered = fake.stats.by_status[200]
        fake.behaviour = Behaviour()
        result = ask(tmp_path, url, max_concurrency=1)

    assert answered == 7
    assert len(result.only) == 12
    assert fake.stats.by_status[200] == 12


def test_refusals_use_up_no_attempts(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(requests_per_s=100, burst=5))
    with running(fake) as url:
        result = ask(tmp_path, url, rows=60, max_retries=0, max_concurrency=64)

    assert (len(result.only), result.failures) == (60, [])
    assert fake.stats.by_status[429] > 0


def test_a_stopped_run_sends_no_further_request_and_keeps_the_replies_under_way(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.3))

    async def stop(engine: Engine) -> None:
        while not fake.stats.in_flight:
            await asyncio.sleep(0.01)
        engine.stop()

    with running(fake) as url:
        stopped = ask(tmp_path, url, rows=12, during=stop, max_concurrency=3)
        asked = fake.stats.requests
        resumed = ask(tmp_path, url, rows=12)

    assert asked == 3
    assert (len(stopped.only), len(resumed.only)) == (3, 12)
    assert fake.stats.requests == 12


def test_an_endpoint_that_fails_costs_no_reply_of_another(tmp_path: Path) -> None:
    good, bad = FakeOpenAI(Behaviour(latency_s=0.4)), FakeOpenAI(Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)]))
    with running(good) as good_url, running(bad) as bad_url:
        steps = [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": f"{i}"} for i in range(8)]}}]
        for name, url in (("good", good_url), ("bad", bad_url)):
            llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1"}
            steps.append({"name": name, "use": "TextGeneration", "after": "load", "with": {"llm": llm}})
        with pytest.raises(AuthFailed):
            run_steps(tmp_path, steps)
        bad.behaviour = Behaviour()
        result = run_steps(tmp_path, steps)

    assert [len(rows) for rows in result.rows.values()] == [8, 8]
    assert good.stats.requests == 8


def test_tokens_are_counted(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(reply="two words"))) as url:
        result = ask(tmp_path, url)

    assert result.counts["answer"].usage.output_tokens == 24
    assert result.counts["answer"].usage.input_tokens > 0


def in_a_worker(folder: Path, llm: dict[str, Any], rows: int = 30) -> Result:
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": str(i)} for i in range(rows)]}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "pool": "gpu", "with": {"llm": llm}},
    ]
    return run_steps(folder, steps, in_threads=False, devices=("3",))


def test_a_model_can_live_in_a_worker_of_its_own(tmp_path: Path) -> None:
    result = in_a_worker(tmp_path, {"use": "RehearsalLLM"})

    assert [row["instruction"] for row in result.only] == [str(i) for i in range(30)]
    assert {row["model_name"] for row in result.only} == {"rehearsal"}
    assert ("answer", "ended") in result.workers


def test_a_model_that_fails_in_its_worker_stops_the_run_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"127\.0\.0\.1:9"):
        in_a_worker(tmp_path, {"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1", "max_retries": 0})
