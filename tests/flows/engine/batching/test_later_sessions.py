"""Batches that outlive the session that sent them."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from flows.engine.engine import Engine
from steps.errors import RunError
from tests.fakes.providers import Prompt
from tests.fakes.providers.batches import FakeBatches, Kind
from tests.fakes.serving import running
from tests.flows.engine.batching.pipelines import costs, each_kind, model, questions, steps, stopping
from tests.flows.engine.running import run_steps


@each_kind
def test_a_run_that_stops_leaves_its_batch_and_the_next_session_collects_it(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, keeps_going=False)
    with running(fake) as url:
        begin = time.monotonic()
        stopped = run_steps(tmp_path, steps(kind, url, questions(50)), during=stopping(fake))
        assert time.monotonic() - begin < 8
        assert any("50 requests of step 'answer' are at" in text for text in stopped.engine.at_providers)
        fake.keeps_going = True
        result = run_steps(tmp_path, steps(kind, url, questions(50)))
    assert len(result.only) == 50
    assert len(fake.made) == 1
    assert result.counts["answer"].usage.requests == 50


def test_replies_of_rows_that_are_gone_are_kept_and_paid(tmp_path: Path) -> None:
    fake = FakeBatches("azure", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("azure", url, questions(50)), during=stopping(fake))
        fake.keeps_going = True
        result = run_steps(tmp_path, steps("azure", url, questions(5)))
        assert len(result.only) == 5
        assert len(costs(tmp_path)) == 50
        assert result.counts["answer"].usage.requests == 50
        run_steps(tmp_path, steps("azure", url, questions(50)))
    assert len(fake.made) == 1


def test_a_step_that_goes_by_batch_no_longer_waits_for_the_batch_it_has(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("mistral", url, questions(50)), during=stopping(fake))
        fake.keeps_going = True
        result = run_steps(tmp_path, steps("mistral", url, questions(50), batch=False))
    assert len(result.only) == 50
    assert fake.requests == 50


def test_a_failure_that_came_before_its_row_is_told_to_it_later(tmp_path: Path) -> None:
    fake = FakeBatches("azure", keeps_going=False)
    prompts = [*questions(10), f"{Prompt.LONG} indeed"]
    with running(fake) as url:
        run_steps(tmp_path, steps("azure", url, prompts), during=stopping(fake))
        fake.keeps_going = True
        run_steps(tmp_path, steps("azure", url, questions(1)))
        [kept] = (tmp_path / "batches").glob("*.json")
        assert len(json.loads(kept.read_bytes())["failed"]) == 1
        result = run_steps(tmp_path, steps("azure", url, prompts))
    assert [one.code for one in result.failures] == ["context-too-long"]
    assert len(fake.made) == 1


def test_a_run_that_takes_over_another_waits_for_the_batch_of_that_one_and_counts_no_cost(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path / "a", steps("mistral", url, questions(30)), during=stopping(fake))
        fake.keeps_going = True
        more = run_steps(tmp_path / "b", steps("mistral", url, questions(31)), reuse=(tmp_path / "a",))
        first = run_steps(tmp_path / "a", steps("mistral", url, questions(30)))
    assert len(more.only) == 31
    assert more.counts["answer"].usage.requests == len(costs(tmp_path / "b")) == 1
    assert len(first.only) == len(costs(tmp_path / "a")) == 30
    assert set(fake.handed_in.values()) == {1}


def test_an_address_that_changed_does_not_send_again_what_lies_at_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeBatches("openai", keeps_going=False)
    told = steps("openai", "", questions(10))
    del told[1]["with"]["llm"]["base_url"]
    with running(fake) as url, running(FakeBatches("openai")) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        run_steps(tmp_path, told, during=stopping(fake))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other}/v1")
        with pytest.raises(RunError, match="asks somewhere else now"):
            run_steps(tmp_path, told)


def test_a_batch_of_a_step_that_is_gone_is_told(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("mistral", url, questions(10)), during=stopping(fake))
        result = run_steps(tmp_path, steps("mistral", url, questions(10))[:1])
    assert any("no step of the pipeline asks" in text for _, text in result.said)


def test_what_a_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "batches"
    folder.mkdir()
    (folder / "0123456789abcdef.requests.jsonl").write_text('{"key":')
    fake = FakeBatches("openai")
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(3)))
    assert len(result.only) == 3
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_a_damaged_note_of_a_batch_ends_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    fake = FakeBatches("openai", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("openai", url, questions(10)), during=stopping(fake))
        [kept] = (tmp_path / "batches").glob("*.json")
        kept.write_text("{")
        with pytest.raises(RunError, match="cannot be read"):
            run_steps(tmp_path, steps("openai", url, questions(10)))
    assert len(fake.made) == 1


def test_what_lies_at_a_provider_counts_against_the_budget_of_the_next_session(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    llm: dict[str, Any] = {"generation_kwargs": {"max_new_tokens": 100}}
    with running(fake) as url:
        run_steps(tmp_path, steps("mistral", url, questions(30), **llm), max_cost=3.5, during=stopping(fake))
        assert fake.requests > 20
        first = fake.requests
        fake.keeps_going, fake.takes_s = True, 0.5
        run_steps(tmp_path, steps("mistral", url, questions(30), **llm), max_cost=3.5)
    assert len(costs(tmp_path)) >= first
    assert sum(costs(tmp_path)) <= 3.5


def _two_steps(url: str) -> list[dict[str, Any]]:
    """Two that ask models of one endpoint, the second of them a large one."""
    load, small = steps("mistral", url, [*questions(3), f"{Prompt.LONG} indeed"])
    large = small | {"name": "large", "with": {**small["with"], "llm": model("mistral", url, model="mistral-large-latest")}}
    return [load, small | {"name": "small"}, large]


def test_each_batch_is_gone_on_with_by_the_model_that_sent_it(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)

    async def stop(engine: Engine) -> None:
        while len(fake.made) < 2:
            await asyncio.sleep(0.01)
        engine.stop()

    with running(fake) as url:
        run_steps(tmp_path, _two_steps(url), during=stop)
        fake.keeps_going = True
        result = run_steps(tmp_path, _two_steps(url))
    named = {one.step: one.message for one in result.failures}
    assert "mistral-small-latest" in named["small"]
    assert "mistral-large-latest" in named["large"]
    assert len(fake.made) == 2


def test_a_batch_whose_model_is_gone_is_collected_by_another_one_of_its_endpoint(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("mistral", url, questions(5)), during=stopping(fake))
        fake.keeps_going = True
        other = steps("mistral", url, questions(5), model="mistral-large-latest")
        result = run_steps(tmp_path, other)
    assert len(result.only) == 5
    assert len(costs(tmp_path)) == 10
