"""Steps whose rows go to a provider many at a time."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from flows.engine.batching import course
from flows.engine.engine import Engine
from flows.engine.journal import paid_in
from flows.plan import plan
from flows.runners.inline import preview
from flows.spec import spec_from
from steps.cassettes import cassette
from steps.errors import LLMError, RunError
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.providers import BAD_KEY, Prompt, intercepting
from tests.fakes.providers.batches import BREAK, EMPTY, EXPIRE, KEY, FakeBatches, Kind
from tests.fakes.serving import Restartable, running
from tests.flows.engine.running import Result, run_steps

KINDS: list[Kind] = ["openai", "azure", "anthropic", "mistral"]
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)
    monkeypatch.setenv("BAD_KEY", BAD_KEY)


def model(kind: Kind, url: str, **more: Any) -> dict[str, Any]:
    """A model at the fake provider."""
    common = {"batch_pause": 0.05, "api_key": "${BATCH_KEY}", "price": {"input": 1000, "output": 2000}, **more}
    match kind:
        case "openai":
            return {"use": "OpenAILLM", "model": "gpt-4o-mini", "base_url": f"{url}/v1", **common}
        case "azure":
            address = {"azure_endpoint": url, "api_version": "2024-10-21"}
            return {"use": "AzureOpenAILLM", "model": "some-model", **address, **common}
        case "anthropic":
            return {"use": "AnthropicLLM", "model": "claude-haiku-4-5", "base_url": f"{url}/v1", **common}
        case "mistral":
            return {"use": "MistralLLM", "model": "mistral-small-latest", "base_url": f"{url}/v1", **common}


def steps(
    kind: Kind, url: str, prompts: list[str], *, batch: bool = True, more: dict[str, Any] | None = None, **llm: Any
) -> Any:
    data = [{"instruction": prompt} for prompt in prompts]
    told = {"llm": model(kind, url, **llm), "batch": batch, **(more or {})}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": told},
    ]


def questions(count: int) -> list[str]:
    return [f"question {number}" for number in range(count)]


def answers(result: Result) -> dict[str, str]:
    return {row["instruction"]: row["generation"] for row in result.only}


def costs(folder: Path) -> list[float]:
    return [entry["cost"] for entry in paid_in(folder / "journal")]


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
def test_a_batch_whose_making_was_answered_with_500_is_found_and_not_made_twice(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, lost_answers=1)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(40)))
    assert len(result.only) == 40
    assert len(fake.made) == 1


@each_kind
def test_a_batch_that_was_never_made_is_made_after_all(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, failing_creates=1)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(40)))
    assert len(result.only) == 40
    assert len(fake.made) == 1
    assert fake.listings >= 3


@pytest.mark.parametrize("kind", ["openai", "azure", "mistral"])
def test_a_server_that_keeps_no_tags_is_asked_for_the_file_of_a_lost_batch(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, lost_answers=1, keeps_tags=False)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


@each_kind
def test_a_lost_batch_is_not_made_again_because_a_list_cannot_be_read(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, lost_answers=1, odd_lists=6)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


@pytest.mark.parametrize("line", [b'{"oops\n', b'{"custom_id": 5, "result": {"type": "succeeded"}}\n'])
def test_a_lost_batch_is_known_by_its_results_though_the_first_line_cannot_be_read(line: bytes, tmp_path: Path) -> None:
    fake = FakeBatches("anthropic", lost_answers=1, odd_line=line)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("anthropic", url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


@each_kind
def test_lines_of_results_that_are_none_cost_nobody_a_reply(kind: Kind, tmp_path: Path) -> None:
    odd = b'[]\n{"custom_id": ["a"], "result": "x"}\n\xff\xfe\n{"custom_id": 5, "result": {"type": "errored", "error": [1]}}\n'
    fake = FakeBatches(kind, odd_line=odd)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


@each_kind
def test_a_look_that_tells_of_no_batch_is_repeated(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, odd_looks=2)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_replies_that_two_files_hold_do_not_stand_for_those_that_are_missing(tmp_path: Path) -> None:
    class Sick(FakeBatches):
        def _batch(self, made: Any) -> dict[str, Any]:
            told = super()._batch(made)
            return told | {"request_counts": {"total": 20, "completed": 20, "failed": 0}}

    fake = Sick("openai", names_twice=True)
    with running(fake) as url, pytest.raises(RunError, match="its results have 10 of them"):
        run_steps(tmp_path, steps("openai", url, questions(20)))
    assert len(fake.made) == 1


def test_another_batch_of_the_same_size_is_not_taken_for_the_one_that_was_lost(tmp_path: Path) -> None:
    fake = FakeBatches("anthropic")
    with running(fake) as url:
        run_steps(tmp_path / "other", steps("anthropic", url, [f"other {one}" for one in range(40)]))
        fake.lost_answers = 1
        result = run_steps(tmp_path / "mine", steps("anthropic", url, questions(40)))
    assert len(result.only) == 40
    assert len(fake.made) == 2


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


def test_an_address_that_changed_does_not_send_again_what_lies_at_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeBatches("openai", keeps_going=False)
    told = steps("openai", "", questions(10))
    del told[1]["with"]["llm"]["base_url"]
    with running(fake) as url, running(FakeBatches("openai")) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        run_steps(tmp_path, told, during=_stopping(fake))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other}/v1")
        with pytest.raises(RunError, match="asks somewhere else now"):
            run_steps(tmp_path, told)


def test_a_batch_of_a_step_that_is_gone_is_told(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("mistral", url, questions(10)), during=_stopping(fake))
        result = run_steps(tmp_path, steps("mistral", url, questions(10))[:1])
    assert any("no step of the pipeline asks" in text for _, text in result.said)


def test_a_run_that_takes_over_another_waits_for_the_batch_of_that_one_and_counts_no_cost(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path / "a", steps("mistral", url, questions(30)), during=_stopping(fake))
        fake.keeps_going = True
        more = run_steps(tmp_path / "b", steps("mistral", url, questions(31)), reuse=(tmp_path / "a",))
        first = run_steps(tmp_path / "a", steps("mistral", url, questions(30)))
    assert len(more.only) == 31
    assert more.counts["answer"].usage.requests == len(costs(tmp_path / "b")) == 1
    assert len(first.only) == len(costs(tmp_path / "a")) == 30
    assert set(fake.handed_in.values()) == {1}


def test_a_server_without_batches_is_told_with_what_to_do(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url, pytest.raises(RunError, match="has no batch endpoint") as told:
        run_steps(tmp_path, steps("openai", url, questions(3)))
    assert "leave `batch` out" in told.value.fix


def test_what_a_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "batches"
    folder.mkdir()
    (folder / "0123456789abcdef.requests.jsonl").write_text('{"key":')
    fake = FakeBatches("openai")
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(3)))
    assert len(result.only) == 3
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_a_run_with_a_cassette_asks_at_once(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url, cassette(tmp_path / "tape.jsonl", "record"):
        asked = run_steps(tmp_path / "a", steps("openai", url, questions(3)))
    with cassette(tmp_path / "tape.jsonl"):
        answered = run_steps(tmp_path / "b", steps("openai", url, questions(3)))
    assert answers(asked) == answers(answered)
    assert not (tmp_path / "a" / "batches").exists()


def test_a_damaged_note_of_a_batch_ends_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    fake = FakeBatches("openai", keeps_going=False)
    with running(fake) as url:
        run_steps(tmp_path, steps("openai", url, questions(10)), during=_stopping(fake))
        [kept] = (tmp_path / "batches").glob("*.json")
        kept.write_text("{")
        with pytest.raises(RunError, match="cannot be read"):
            run_steps(tmp_path, steps("openai", url, questions(10)))
    assert len(fake.made) == 1


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


def test_looks_that_fail_are_repeated_and_told_once(tmp_path: Path) -> None:
    fake = FakeBatches("azure", failing_looks=3)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("azure", url, questions(10)))
    assert len(result.only) == 10
    assert sum("is asked again" in text for _, text in result.said) == 1


def test_a_provider_that_asks_for_a_year_is_asked_again_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "LONGEST_WAIT_S", 0.1)
    fake = FakeBatches("openai", refused_creates=2)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(10)))
    assert len(result.only) == 10
    assert len(fake.made) == 1


def test_looks_get_rarer(tmp_path: Path) -> None:
    fake = FakeBatches("openai", takes_s=1.5)
    with running(fake) as url:
        run_steps(tmp_path, steps("openai", url, questions(10)))
    apart = [later - earlier for earlier, later in zip(fake.looked_at, fake.looked_at[1:], strict=False)]
    assert apart[-1] > 2 * apart[0]


def test_a_bad_key_ends_the_run(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    with running(fake) as url, pytest.raises(Exception, match="refuses the key"):
        run_steps(tmp_path, steps("openai", url, questions(10), api_key="${BAD_KEY}"))
    assert not fake.made


def test_a_line_that_is_refused_fails_its_row_and_the_others_go_again(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, [*questions(20), "please refuse this line"]))
    assert len(result.only) == 20
    [failure] = result.failures
    assert "missing_required_parameter" in failure.message
    assert set(fake.ran.values()) == {1}


def test_a_limit_of_what_may_lie_in_batches_makes_them_smaller(tmp_path: Path) -> None:
    fake = FakeBatches("openai", most_open=30)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(100)))
    assert len(result.only) == 100
    assert set(fake.ran.values()) == {1}
    assert any("in smaller batches" in text for _, text in result.said)


def test_a_batch_that_somebody_cancels_gives_what_it_has(tmp_path: Path) -> None:
    fake = FakeBatches("openai", keeps_going=False)

    async def cancel(engine: Engine) -> None:
        while not fake.looks:
            await asyncio.sleep(0.01)
        fake.cancel()

    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(20)), during=cancel)
    assert len(result.only) == 10
    assert {one.code for one in result.failures} == {"server-failed"}
    assert len(fake.made) == 1


def test_a_batch_that_the_provider_does_not_know_is_not_sent_again(tmp_path: Path) -> None:
    fake = FakeBatches("openai", forgets=True)
    with running(fake) as url:
        with pytest.raises(RunError, match="does not know") as told:
            run_steps(tmp_path, steps("openai", url, questions(20)))
        assert "delete" in told.value.fix
        with pytest.raises(RunError, match="does not know"):
            run_steps(tmp_path, steps("openai", url, questions(20)))
        assert len(fake.made) == 1
        fake.forgets = False
        result = run_steps(tmp_path, steps("openai", url, questions(20)))
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_a_server_that_was_never_there_ends_the_run(tmp_path: Path) -> None:
    with running(FakeBatches("openai")) as url:
        pass  # nobody listens there any more
    with pytest.raises(LLMError, match="takes no batch") as told:
        run_steps(tmp_path, steps("openai", url, questions(5), max_retries=2))
    assert told.value.is_fatal


def test_a_server_that_is_gone_while_its_batch_runs_is_waited_for(tmp_path: Path) -> None:
    fake = FakeBatches("openai", keeps_going=False)
    with Restartable(fake) as server:

        async def interrupt(engine: Engine) -> None:
            while not fake.looks:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.5)
            fake.keeps_going = True
            await asyncio.to_thread(server.start)

        result = run_steps(tmp_path, steps("openai", server.url, questions(20)), during=interrupt)
    assert len(result.only) == 20
    assert len(fake.made) == 1


def test_results_that_break_off_are_fetched_again(tmp_path: Path) -> None:
    fake = FakeBatches("openai", cut_downloads=2)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(20)))
    assert len(result.only) == 20
    assert len(costs(tmp_path)) == 20


@each_kind
def test_results_that_lack_what_the_provider_counts_are_fetched_again_and_nothing_is_sent_again(
    kind: Kind, tmp_path: Path
) -> None:
    fake = FakeBatches(kind, short_downloads=1)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(30)))
        assert len(result.only) == 30
        assert len(costs(tmp_path)) == 30
        fake.short_downloads = 10
        with pytest.raises(RunError, match="its results have"):
            run_steps(tmp_path / "b", steps(kind, url, questions(30)))
        fake.short_downloads = 0
        later = run_steps(tmp_path / "b", steps(kind, url, questions(30)))
    assert len(later.only) == len(costs(tmp_path / "b")) == 30
    assert len(fake.made) == 2


def _stopping(fake: FakeBatches) -> Any:
    async def stop(engine: Engine) -> None:
        while not fake.looks:
            await asyncio.sleep(0.01)
        engine.stop()

    return stop


@each_kind
def test_a_run_that_stops_leaves_its_batch_and_the_next_session_collects_it(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, keeps_going=False)
    with running(fake) as url:
        begin = time.monotonic()
        stopped = run_steps(tmp_path, steps(kind, url, questions(50)), during=_stopping(fake))
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
        run_steps(tmp_path, steps("azure", url, questions(50)), during=_stopping(fake))
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
        run_steps(tmp_path, steps("mistral", url, questions(50)), during=_stopping(fake))
        fake.keeps_going = True
        result = run_steps(tmp_path, steps("mistral", url, questions(50), batch=False))
    assert len(result.only) == 50
    assert fake.requests == 50


def test_a_failure_that_came_before_its_row_is_told_to_it_later(tmp_path: Path) -> None:
    fake = FakeBatches("azure", keeps_going=False)
    prompts = [*questions(10), f"{Prompt.LONG} indeed"]
    with running(fake) as url:
        run_steps(tmp_path, steps("azure", url, prompts), during=_stopping(fake))
        fake.keeps_going = True
        run_steps(tmp_path, steps("azure", url, questions(1)))
        [kept] = (tmp_path / "batches").glob("*.json")
        assert len(json.loads(kept.read_bytes())["failed"]) == 1
        result = run_steps(tmp_path, steps("azure", url, prompts))
    assert [one.code for one in result.failures] == ["context-too-long"]
    assert len(fake.made) == 1


def test_rows_that_ask_the_same_are_in_a_batch_once_each(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, ["the same"] * 10 + questions(2)))
    assert len(result.only) == 12
    [made] = fake.made
    ids = [line["custom_id"] for line in made.lines]
    assert len(set(ids)) == len(ids)


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


def test_what_lies_at_a_provider_counts_against_the_budget_of_the_next_session(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    llm: dict[str, Any] = {"generation_kwargs": {"max_new_tokens": 100}}
    with running(fake) as url:
        run_steps(tmp_path, steps("mistral", url, questions(30), **llm), max_cost=3.5, during=_stopping(fake))
        assert fake.requests > 20
        first = fake.requests
        fake.keeps_going, fake.takes_s = True, 0.5
        run_steps(tmp_path, steps("mistral", url, questions(30), **llm), max_cost=3.5)
    assert len(costs(tmp_path)) >= first
    assert sum(costs(tmp_path)) <= 3.5


def test_a_paused_run_sends_no_batch(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    seen: list[int] = []

    async def pausing(engine: Engine) -> None:
        engine.pause()
        await asyncio.sleep(0.5)
        seen.append(len(fake.made))
        engine.go_on()

    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(10)), during=pausing)
    assert seen == [0]
    assert len(result.only) == 10


def test_it_is_told_how_far_a_batch_is(tmp_path: Path) -> None:
    fake = FakeBatches("anthropic", takes_s=0.4)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("anthropic", url, questions(10)))
    told = [text for level, text in result.said if level == "info" and "0 of 10 requests of step 'answer' are done" in text]
    assert len(told) == 1
    assert "Anthropic" in told[0]
