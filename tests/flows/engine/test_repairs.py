"""Replies that cannot be read, through the engine: repaired on the record, or quarantined with what was said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.engine import quarantine
from flows.engine.journal import entries_in
from flows.engine.step_log import step_log
from steps.llms import openai_llm
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Messages
from tests.fakes.serving import running
from tests.flows.engine.running import Result, run_steps

BAD = '{"answers": [{"rationale": "Right.", "rating": 9}]}'
GOOD = '{"answers": [{"rationale": "Right.", "rating": 5}]}'


def judge(folder: Path, fake: FakeOpenAI, rows: int = 3, llm: dict[str, Any] | None = None, **task: Any) -> Result:
    data = [{"instruction": f"question {i}", "generations": ["a"]} for i in range(rows)]
    with running(fake) as url:
        model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", **(llm or {})}
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "judge", "use": "UltraFeedback", "after": "load", "with": {"llm": model, **task}},
        ]
        return run_steps(folder, steps)


def replying(repaired: str = GOOD, bad: Callable[[str], bool] = lambda prompt: "question 1" in prompt) -> FakeOpenAI:
    """A server that answers some prompts badly, and this when it is told so."""

    def reply(messages: Messages, choice: int, model: str) -> str:
        if any(message["role"] == "assistant" for message in messages):
            return repaired
        return BAD if bad(messages[-1]["content"]) else GOOD

    return FakeOpenAI(Behaviour(reply=reply))


def test_a_repair_is_a_request_that_is_paid_for_and_kept(tmp_path: Path) -> None:
    fake = replying()
    result = judge(tmp_path, fake)

    assert [row["ratings"] for row in result.only] == [[5], [5], [5]]
    assert (result.failures, fake.stats.requests) == ([], 4)
    kept = list(entries_in([tmp_path / "journal"]))
    assert [len(entry["chat"]) for entry in kept].count(4) == 1
    used = sum(entry["completion"]["usage"]["output_tokens"] for entry in kept)
    assert (len(kept), result.counts["judge"].usage.output_tokens) == (4, used)


def test_a_repair_is_never_paid_for_twice(tmp_path: Path) -> None:
    fake = replying()
    with running(fake) as url:
        first = run_steps(tmp_path, steps(url, 2))
        for path in (tmp_path / "ledger").glob("*/*.seg"):
            path.unlink()
        asked = fake.stats.requests
        again = run_steps(tmp_path, steps(url, 2))

    assert [row["ratings"] for row in first.only] == [[5], [5]]
    assert again.only == first.only
    assert fake.stats.requests == asked


def test_a_row_that_stays_invalid_is_kept_with_its_last_reply(tmp_path: Path) -> None:
    result = judge(tmp_path, replying(repaired="I am sorry."))

    [failure] = result.failures
    assert (failure.code, failure.reply, failure.attempts) == ("bad-reply", "I am sorry.", 2)
    assert "no JSON" in failure.message
    assert failure.row["instruction"] == "question 1"
    assert len(result.only) == 2


@pytest.mark.parametrize("count", [1, 2])
def test_a_retry_asks_everything_anew_repairs_too(tmp_path: Path, count: int) -> None:
    fake = replying(repaired="I am sorry.")

    with running(fake) as url:
        asked = []
        for _ in range(3):
            result = run_steps(tmp_path, steps(url, count))
            asked.append(fake.stats.requests)
            assert len(result.failures) == 1
            quarantine.empty(tmp_path / "quarantine.jsonl")

    assert asked[1] - asked[0] == asked[2] - asked[1] == asked[0]


def steps(url: str, count: int) -> list[dict[str, Any]]:
    model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1"}
    data = [{"instruction": "question 1", "generations": ["a"]}]
    task = {"llm": model, "num_generations": count}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "judge", "use": "UltraFeedback", "after": "load", "with": task},
    ]


def test_more_repairs_take_up_where_fewer_ended(tmp_path: Path) -> None:
    fake = replying(repaired="I am sorry.")
    with running(fake) as url:
        load, task = steps(url, 1)
        assert len(run_steps(tmp_path, [load, task]).failures) == 1
        fake.behaviour = Behaviour(reply=GOOD)

        result = run_steps(tmp_path, [load, {**task, "with": {**task["with"], "max_repairs": 2}}])

    assert [row["ratings"] for row in result.only] == [[5]]
    assert fake.stats.requests == 3


def test_a_reply_that_was_cut_says_what_to_raise_and_costs_one_request(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=GOOD))
    result = judge(tmp_path, fake, rows=1, llm={"generation_kwargs": {"max_new_tokens": 2}})

    [failure] = result.failures
    assert "raise max_new_tokens" in failure.fix
    assert (failure.attempts, fake.stats.requests) == (1, 1)


def test_a_server_that_refuses_schemas_loses_no_row_and_is_told_of_once(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=GOOD, refused_formats=["json_schema"]))

    result = judge(tmp_path, fake, rows=40, llm={"max_concurrency": 4}, use_default_structured_output=True)

    assert (len(result.only), result.failures) == (40, [])
    assert fake.stats.by_status[200] == 40
    assert 1 <= fake.stats.by_status[400] <= 4
    [(level, text)] = result.said
    assert level == "warning"
    assert "does not take this JSON schema" in text


async def test_what_other_event_loops_log_is_theirs() -> None:
    said: list[str] = []
    with step_log(lambda level, text: said.append(f"{level}: {text}")):
        openai_llm.log.warning("here %s", 1)
        openai_llm.log.info("too quiet")
        await asyncio.to_thread(openai_llm.log.warning, "there")
    openai_llm.log.warning("later")

    assert said == ["warning: here 1"]
