"""Steps whose rows go to a provider many at a time: what comes of the rows, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.plan import plan
from flows.runners.inline import preview
from flows.spec import spec_from
from steps.cassettes import cassette
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.providers import Prompt, intercepting
from tests.fakes.providers.batches import BREAK, EMPTY, EXPIRE, FakeBatches, Kind
from tests.fakes.serving import running
from tests.flows.engine.batching.pipelines import answers, costs, each_kind, model, questions, steps
from tests.flows.engine.running import run_steps


@each_kind
def test_all_rows_go_in_one_batch_at_half_the_price(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(300)))
    assert answers(result) == {prompt: f"reply 0 to: {prompt}" for prompt in questions(300)}
    assert [len(one.lines) for one in fake.made] == [300]
    used = result.counts["answer"].usage
    full = (used.input_tokens * 1000 + used.output_tokens * 2000) / 10**6
    rate = 1.0 if kind == "openai" else 0.5  # the server has an address of its own: nobody knows that it charges half
    assert used.cost == pytest.approx(full * rate)
    assert sum(costs(tmp_path)) == pytest.approx(full * rate)


@each_kind
def test_a_run_without_batches_finds_the_replies_of_batches(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind)
    with running(fake) as url:
        run_steps(tmp_path / "a", steps(kind, url, questions(20)))
        plain = steps(kind, url, questions(20), batch=False)
        again = run_steps(tmp_path / "b", plain, journals=(tmp_path / "a" / "journal",))
        in_batches = run_steps(tmp_path / "c", steps(kind, url, questions(20)), journals=(tmp_path / "b" / "journal",))
    assert len(again.only) == len(in_batches.only) == 20
    assert fake.requests == 20


@each_kind
def test_only_the_rows_that_failed_are_in_quarantine(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind)
    bad = [f"{Prompt.LONG} {number}" for number in range(7)]
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(100) + bad))
        again = run_steps(tmp_path, steps(kind, url, questions(100) + bad))
    assert sorted(answers(result)) == sorted(questions(100))
    assert {(one.code, one.attempts) for one in result.failures} == {("context-too-long", 1)}
    assert len(result.failures) == 7
    assert len(again.only) == 100
    assert fake.requests == 107


@each_kind
def test_what_may_pass_is_asked_again_in_a_later_batch(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind)
    odd = [f"{words} {number}" for words in (EXPIRE, BREAK, Prompt.WAIT) for number in range(3)]
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(50) + odd))
    assert len(result.only) == 59
    assert not result.failures
    assert [len(one.lines) for one in fake.made] == [59, 9]
    assert set(fake.ran.values()) == {1}


def test_what_goes_on_failing_is_given_up(tmp_path: Path) -> None:
    fake = FakeBatches("mistral")
    with running(fake) as url:
        fake.handed_in[f"{BREAK} always"] = -1  # the second time counts as the first
        result = run_steps(tmp_path, steps("mistral", url, [*questions(5), f"{BREAK} always"], max_retries=0))
        assert len(result.only) == 6
        other = run_steps(tmp_path / "b", steps("mistral", url, [*questions(5), f"{BREAK} once"], max_retries=0))
    assert [(one.code, one.attempts) for one in other.failures] == [("server-failed", 1)]


@each_kind
def test_several_replies_a_row_come_in_one_round(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(10), more={"num_generations": 3}))
    assert len(result.only) == 30
    assert [len(one.lines) for one in fake.made] == [30 if kind == "anthropic" else 10]


@each_kind
def test_a_reply_without_text_is_paid_for_and_asked_for_once_more(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, [*questions(5), EMPTY]))
    assert len(result.only) == 6
    assert [len(one.lines) for one in fake.made] == [6, 1]
    assert result.counts["answer"].usage.requests == len(costs(tmp_path)) == 7


def test_openai_at_its_own_address_through_a_proxy_costs_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeBatches("openai")
    told = steps("openai", "", questions(10))
    llm = told[1]["with"]["llm"]
    del llm["base_url"], llm["price"]
    with intercepting(tmp_path, fake) as intercepted:
        for name, value in intercepted.environment.items():
            monkeypatch.setenv(name, value)
        result = run_steps(tmp_path / "run", told)
    used = result.counts["answer"].usage
    assert used.cost == pytest.approx((used.input_tokens * 0.15 + used.output_tokens * 0.60) / 2 / 10**6)
    assert len(fake.made) == 1


def test_rows_that_ask_the_same_are_in_a_batch_once_each(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, ["the same"] * 10 + questions(2)))
    assert len(result.only) == 12
    [made] = fake.made
    ids = [line["custom_id"] for line in made.lines]
    assert len(set(ids)) == len(ids)


def test_a_schema_that_is_refused_is_left_out_of_the_next_batch(tmp_path: Path) -> None:
    fake = FakeBatches("azure", refuses_schemas=True)
    told = steps("azure", "", ["good"])
    with running(fake) as url:
        told[1] = {
            "name": "answer",
            "use": "TextClassification",
            "after": "load",
            "with": {"llm": model("azure", url), "batch": True, "available_labels": ["good", "bad"]},
        }
        told[0]["with"]["data"] = [{"text": "it is good, as json"}]
        result = run_steps(tmp_path, told)
    assert [row["labels"] for row in result.only] == ["good"]
    assert len(fake.made) == 2


def test_a_preview_asks_at_once_and_sends_no_batch(tmp_path: Path) -> None:
    provider = FakeOpenAI()
    with running(provider) as url:
        told = steps("openai", url, questions(3))
        found = preview(plan(spec_from({"distilflow": 1, "steps": told})[0]), 3, runs_dir=tmp_path)
    assert len(found.rows["answer"]) == 3


def test_a_run_with_a_cassette_asks_at_once(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url, cassette(tmp_path / "tape.jsonl", "record"):
        asked = run_steps(tmp_path / "a", steps("openai", url, questions(3)))
    with cassette(tmp_path / "tape.jsonl"):
        answered = run_steps(tmp_path / "b", steps("openai", url, questions(3)))
    assert answers(asked) == answers(answered)
    assert not (tmp_path / "a" / "batches").exists()


def test_a_budget_counts_batches_at_their_price_and_sends_no_more_than_fits(tmp_path: Path) -> None:
    fake = FakeBatches("mistral")
    llm: dict[str, Any] = {"generation_kwargs": {"max_new_tokens": 100}}
    with running(fake) as url:
        result = run_steps(tmp_path, steps("mistral", url, questions(100), **llm), max_cost=4.0)
    assert len(result.only) == 100
    assert 20 <= len(fake.made[0].lines) <= 40  # each may cost 0.1 and a little
    assert len(fake.made) > 1
    assert sum(costs(tmp_path)) == pytest.approx(result.counts["answer"].usage.known_cost)


def test_a_budget_that_is_used_up_ends_the_run_with_what_it_bought(tmp_path: Path) -> None:
    fake = FakeBatches("mistral")
    llm: dict[str, Any] = {"generation_kwargs": {"max_new_tokens": 100}}
    with running(fake) as url:
        result = run_steps(tmp_path, steps("mistral", url, questions(100), **llm), max_cost=0.4)
    assert result.engine.used_up is not None
    assert 0 < len(result.only) < 100
    assert sum(costs(tmp_path)) <= 0.4
