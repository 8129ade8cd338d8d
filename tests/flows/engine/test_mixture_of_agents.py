"""A model that asks others: its requests are in the journal, behind gates, priced and paid from the budget like any others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.engine.journal import JOURNAL
from flows.engine.options import RunOptions
from flows.estimate import estimate
from flows.journals import entries_of
from flows.lineage.why import why
from flows.models import with_llm
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import PipelineSpec, spec_from
from steps.errors import AuthFailed
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Messages, Rule
from tests.fakes.serving import running

PROPOSERS = ["small", "odd"]
PRICES = {"small": 1.0, "odd": 10.0, "best": 100.0}


class Asked:
    """What each model was asked, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.chats: dict[str, list[Messages]] = {}

    def reply(self, messages: Messages, choice: int, model: str) -> str:
        with self._lock:
            self.chats.setdefault(model, []).append(messages)
        return f"{model} says {choice}"


def spec(url: str, rows: int = 3, rounds: int = 1, **more: Any) -> PipelineSpec:
    def llm(name: str) -> dict[str, Any]:
        price = {"input": PRICES[name], "output": 0}
        return {"use": "OpenAILLM", "model": name, "base_url": f"{url}/v1", "price": price, "max_retries": 0}

    mixture = {
        "use": "MixtureOfAgentsLLM",
        "aggregator_llm": llm("best"),
        "proposers_llms": [llm(name) for name in PROPOSERS],
        "rounds": rounds,
    }
    data = [{"instruction": f"question {number}"} for number in range(rows)]
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {
            "name": "answer",
            "use": "TextGeneration",
            "after": "load",
            "with": {"llm": mixture, "system_prompt": "Be kind.", **more},
        },
    ]
    return spec_from({"distilflow": 1, "name": "mixture", "steps": steps})[0]


@contextmanager
def serving(**behaviour: Any) -> Iterator[tuple[FakeOpenAI, Asked, str]]:
    seen = Asked()
    fake = FakeOpenAI(Behaviour(reply=seen.reply, **behaviour))
    with running(fake) as url:
        yield fake, seen, url


def answers(run: RunFolder) -> list[Any]:
    return [row["generation"] for row in pq.read_table(next(run.distiset.glob("default/*.parquet"))).to_pylist()]


def test_proposers_draft_and_the_aggregator_sees_their_drafts(tmp_path: Path) -> None:
    with serving() as (fake, seen, url):
        run = run_inline(plan(spec(url, rows=1, rounds=2)), tmp_path, run_id="r")

    [first, again], [last] = seen.chats["small"], seen.chats["best"]
    assert first == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "question 0"}]
    for chat in (again, last):
        system, user = chat
        assert system["content"].startswith("Be kind.\n\n")
        assert "small says 0" in system["content"]
        assert "odd says 0" in system["content"]
        assert user == first[1]
    assert fake.stats.requests == 2 * len(PROPOSERS) + 1
    assert answers(run) == ["best says 0"]


def test_every_request_is_in_the_journal_and_a_run_of_the_same_asks_nothing(tmp_path: Path) -> None:
    with serving() as (fake, _, url):
        first = run_inline(plan(spec(url)), tmp_path, run_id="a")
        asked_once = fake.stats.requests
        options = RunOptions(journals=(first.path / JOURNAL,))
        second = run_inline(plan(spec(url)), tmp_path, run_id="b", options=options)
        made = answers(first), answers(second)

    entries = [entry for _, entry in entries_of(first.path / JOURNAL)]
    assert (asked_once, fake.stats.requests) == (9, 9)
    assert sorted({str(entry["asked_as"]) for entry in entries}) == ["aggregator", "proposer 1", "proposer 2"]
    assert made[0] == made[1]


def test_each_is_paid_at_its_own_price(tmp_path: Path) -> None:
    with serving() as (_, seen, url):
        run = run_inline(plan(spec(url, rows=1)), tmp_path, run_id="r")

    words = {name: sum(len(str(message["content"]).split()) for message in chats[0]) for name, chats in seen.chats.items()}
    expected = sum(words[name] * PRICES[name] for name in words) / 1_000_000
    assert run.report().steps["answer"].usage.cost == pytest.approx(expected)


def test_a_budget_counts_them_all(tmp_path: Path) -> None:
    with serving() as (fake, _, url):
        run_inline(plan(spec(url, rows=40)), tmp_path, run_id="r", options=RunOptions(max_tokens=400))

    assert fake.stats.requests < 3 * 40


def test_several_replies_are_the_aggregators_and_cost_no_more_drafts(tmp_path: Path) -> None:
    with serving() as (_, seen, url):
        run = run_inline(plan(spec(url, rows=1, num_generations=3)), tmp_path, run_id="r")

    assert {name: len(chats) for name, chats in seen.chats.items()} == {"small": 1, "odd": 1, "best": 3}
    assert answers(run) == ["best says 0", "best says 1", "best says 2"]


def test_a_draft_that_fails_fails_the_row_alone(tmp_path: Path) -> None:
    with serving(rules=[Rule("question 1", Fault.CONTENT_FILTER)]) as (_, _, url):
        run = run_inline(plan(spec(url)), tmp_path, run_id="r")

    assert [line["code"] for line in run.quarantined()] == ["content-filtered"]
    assert len(answers(run)) == 2


def test_a_key_that_is_refused_ends_the_run(tmp_path: Path) -> None:
    with serving(rules=[Rule("", Fault.UNAUTHORIZED)]) as (_, _, url), pytest.raises(AuthFailed):
        run_inline(plan(spec(url)), tmp_path, run_id="r")


def test_a_rehearsal_asks_nobody_and_an_estimate_knows_every_member(tmp_path: Path) -> None:
    with serving() as (fake, _, url):
        made = run_inline(plan(with_llm(spec(url), "rehearsal")), tmp_path, run_id="r")
        found = estimate(plan(with_llm(spec(url), "rehearsal")), sample=2, runs_dir=tmp_path)

    assert fake.stats.requests == 0
    assert len(answers(made)) == 3
    assert found.rows == 3


def test_the_plan_knows_every_member_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(spec("http://127.0.0.1:9"))

    assert [llm.model_name for _, llm in planned.every_llm] == ["best", "small", "odd"]
    assert set(planned.llms["answer"]) == {"aggregator", "proposer 1", "proposer 2"}


def test_why_says_what_each_member_was_asked(tmp_path: Path) -> None:
    with serving() as (_, _, url):
        run = run_inline(plan(spec(url, rows=1)), tmp_path, run_id="r")
        told = why(run, "default", 0).steps[-1]

    assert len(told.replies) == 3
