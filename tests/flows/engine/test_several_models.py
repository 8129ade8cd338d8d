"""A task that asks several models: each keeps its own gate, limits, journal keys, price and place in the budget."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flows.engine import gate
from flows.engine.engine import Engine
from flows.engine.journal import JOURNAL
from flows.estimate import estimate
from flows.journals import entries_of
from flows.lineage.asked import asked
from flows.lineage.why import why
from flows.models import with_llm
from flows.plan import examine, plan
from flows.runners.inline import run_inline
from flows.spec import PipelineSpec, spec_from
from steps.errors import AuthFailed, PlanError
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Messages, Rule
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for
from tests.flows.engine.running import Result, run_steps
from tests.flows.paid_runs import results


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PAUSE_S", 0.01)


def verdict(messages: Messages, choice: int, model: str) -> str:
    """An answer that depends on model and prompt."""
    said = str(messages[-1]["content"])
    return json.dumps({"answer": "right" if (len(said) + len(model)) % 2 else "wrong"})


class Court:
    """Two servers, and judges that ask them."""

    def __init__(self, first: FakeOpenAI, second: FakeOpenAI, urls: tuple[str, str]) -> None:
        self.first, self.second, self.urls = first, second, urls

    @property
    def requests(self) -> tuple[int, int]:
        return self.first.stats.requests, self.second.stats.requests

    def llm(self, server: int, **more: Any) -> dict[str, Any]:
        prices = [{"input": 1, "output": 2}, {"input": 100, "output": 200}]
        model = ["one-mini", "two-large"][server]
        given = {"use": "OpenAILLM", "model": model, "base_url": f"{self.urls[server]}/v1", "price": prices[server]}
        return {**given, "max_retries": 1, "timeout": 20, **more}

    def steps(self, rows: int, one: Any = None, two: Any = None, **more: Any) -> list[dict[str, Any]]:
        data = [{"n": n, "text": f"claim {n:03d}"} for n in range(rows)]
        judges = [
            {"name": "one", "llm": self.llm(0, **(one or {}))},
            {"name": "two", "llm": self.llm(1, **(two or {})), "prompt": "Be strict."},
            {"name": "rule", "template": "{% if n % 2 %}right{% endif %}"},
        ]
        question = {"title": "Is it so?", "labels": ["right", "wrong"]}
        panel = {"question": question, "columns": ["text"], "item_column": "n", "judges": judges, **more}
        return [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "panel", "use": "JudgePanel", "after": "load", "with": panel},
        ]


Hold = Callable[..., Court]


@pytest.fixture
def court() -> Iterator[Hold]:
    with ExitStack() as stack:

        def hold(first: Behaviour | None = None, second: Behaviour | None = None) -> Court:
            fakes = [FakeOpenAI(one or Behaviour(reply=verdict)) for one in (first, second)]
            urls = [stack.enter_context(running(fake)) for fake in fakes]
            return Court(fakes[0], fakes[1], (urls[0], urls[1]))

        yield hold


def spec(steps: list[dict[str, Any]]) -> PipelineSpec:
    found, problems = spec_from({"distilflow": 1, "name": "test", "steps": steps})
    assert not problems
    return found


def said(result: Result) -> Counter[str]:
    return Counter(row["annotator"] for row in result.only)


def test_two_models_at_two_servers_and_a_rule_annotate_every_row(tmp_path: Path, court: Hold) -> None:
    held = court()

    result = run_steps(tmp_path, held.steps(20))

    assert said(result) == {"one": 20, "two": 20, "rule": 10}
    assert held.requests == (20, 20)
    assert [row["n"] for row in result.only] == sorted(row["n"] for row in result.only)
    assert {row["model_name"] for row in result.only} == {"one-mini", "two-large", ""}
    assert {row["family"] for row in result.only if row["kind"] == "llm"} == {"one", "two"}


def test_each_model_keeps_its_own_limit(tmp_path: Path, court: Hold) -> None:
    slow = Behaviour(reply=verdict, latency_s=0.03)
    held = court(slow, slow)

    run_steps(tmp_path, held.steps(30, one={"max_concurrency": 2}, two={"max_concurrency": 9}))

    assert (held.first.stats.peak_in_flight, held.second.stats.peak_in_flight) == (2, 9)


def test_a_server_that_refuses_by_rate_slows_its_own_judge_and_loses_nothing(tmp_path: Path, court: Hold) -> None:
    held = court(None, Behaviour(reply=verdict, requests_per_s=60, burst=4))

    result = run_steps(tmp_path, held.steps(30, two={"max_retries": 20}))

    assert said(result) == {"one": 30, "two": 30, "rule": 15}
    assert held.first.stats.requests == 30


def test_a_judge_that_fails_on_some_rows_is_left_out_of_those(tmp_path: Path, court: Hold) -> None:
    failing = Behaviour(reply=verdict, rules=[Rule("claim 003", Fault.CONTENT_FILTER), Rule("claim 004", Fault.SERVER_ERROR)])
    held = court(None, failing)

    result = run_steps(tmp_path, held.steps(10))

    assert said(result) == {"one": 10, "two": 8, "rule": 5}
    assert result.failures == []
    told = [text for level, text in result.said if "left out" in text]
    assert [text.partition(":")[0] for text in told] == ["judge 'two' is left out of a row"] * 2


def test_rows_with_too_few_answers_go_to_the_quarantine_and_a_retry_pays_only_for_those_that_failed(
    tmp_path: Path, court: Hold
) -> None:
    held = court(None, Behaviour(reply=verdict, rules=[Rule("claim 003", Fault.SERVER_ERROR)]))
    steps = held.steps(6, min_judges=2)
    steps[1]["with"]["judges"].pop()

    result = run_steps(tmp_path, steps)

    [failure] = result.failures
    assert (failure.code, failure.row["n"]) == ("too-few-answers", 3)
    assert "1 judge of 2 answered, at least 2 should: 'two': " in failure.message
    held.second.behaviour = Behaviour(reply=verdict)
    (tmp_path / "quarantine.jsonl").unlink()
    before = held.requests
    assert said(run_steps(tmp_path, steps)) == {"one": 6, "two": 6}
    assert held.requests == (before[0], before[1] + 1)


def test_a_wrong_key_of_one_judge_ends_the_run(tmp_path: Path, court: Hold) -> None:
    held = court(None, Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)]))

    with pytest.raises(AuthFailed):
        run_steps(tmp_path, held.steps(200, one={"max_concurrency": 2}, two={"max_concurrency": 2}))
    assert held.requests[1] < 20


def test_a_run_that_was_stopped_pays_for_nothing_twice(tmp_path: Path, court: Hold) -> None:
    held = court(None, Behaviour(reply=verdict, latency_s=0.05))
    steps = held.steps(40, one={"max_concurrency": 8}, two={"max_concurrency": 2})

    async def stop(engine: Engine) -> None:
        while held.requests[1] < 10:
            await asyncio.sleep(0.01)
        engine.stop()

    run_steps(tmp_path, steps, during=stop)
    assert held.requests[1] < 40

    result = run_steps(tmp_path, steps)

    assert said(result) == {"one": 40, "two": 40, "rule": 20}
    assert held.requests == (40, 40)


def test_a_killed_run_asks_again_only_for_what_was_in_flight_and_a_replay_for_nothing(commands: Commands, court: Hold) -> None:
    slow = Behaviour(reply=verdict, latency_s=0.03)
    held = court(slow, slow)
    commands.write(held.steps(60, one={"max_concurrency": 2}, two={"max_concurrency": 2}))
    process = commands.start("run", "pipeline.yaml", "--run-id", "a", "--no-prefect")
    wait_for(lambda: sum(held.requests) >= 60)
    kill(process)
    process.communicate()
    commands.wait_until_gone()

    ended = commands("resume", "a", "--no-prefect")

    assert ended.code == 0, ended.err
    assert len(commands.rows("a")) == 60 + 60 + 30
    assert 120 <= sum(held.requests) <= 124, "at most those in flight again"
    told = commands("why", "a", "1")
    assert "two (two-large) · " in told.out, told.out
    before = held.requests
    replayed = commands("replay", "a", "--run-id", "b", "--no-prefect")
    assert replayed.code == 0, replayed.err
    assert results(commands, "a") == results(commands, "b") != {}
    assert held.requests == before


def test_a_budget_counts_each_model_at_its_own_price(tmp_path: Path, court: Hold) -> None:
    held = court()

    result = run_steps(tmp_path, held.steps(300), max_cost=0.2)

    used = result.engine.used
    one, two = held.first.stats, held.second.stats
    cost = (one.input_tokens + 2 * one.output_tokens + 100 * two.input_tokens + 200 * two.output_tokens) / 1e6
    assert result.engine.used_up is not None
    assert used.known_cost == pytest.approx(cost)
    assert 0.1 < cost <= 0.2
    more = run_steps(tmp_path, held.steps(300), max_cost=10)
    assert said(more) == {"one": 300, "two": 300, "rule": 150}
    assert held.requests == (300, 300)


def test_the_journal_and_why_tell_which_judge_was_asked(tmp_path: Path, court: Hold) -> None:
    held = court()
    run = run_inline(plan(spec(held.steps(3))), tmp_path / "runs", run_id="r")

    told = why(run, "default", 1)

    step = told.steps[-1]
    assert step.added["annotator"] == "two"
    assert step.model == "one-mini, two-large"
    assert sorted((one.asked_as, one.model) for one in step.replies) == [("one", "one-mini"), ("two", "two-large")]
    assert asked(run, "panel").total == 6


def test_a_rehearsed_panel_answers_why_too(tmp_path: Path, court: Hold) -> None:
    rehearsed = with_llm(spec(court().steps(3)), "rehearsal")
    run = run_inline(plan(rehearsed), tmp_path / "runs", run_id="r")

    step = why(run, "default", 0).steps[-1]

    assert [one.asked_as for one in step.replies] == ["one", "two"]
    assert all(one.is_free for one in step.replies)
    assert asked(run, "panel").is_made_again
    assert run.report().is_rehearsal


def test_of_a_panel_that_is_free_in_part_why_shows_both_what_was_kept_and_what_was_made_up(tmp_path: Path, court: Hold) -> None:
    steps = court().steps(3)
    del steps[1]["with"]["judges"][1]["llm"]
    run = run_inline(plan(spec(steps)), tmp_path / "runs", run_id="r")

    step = why(run, "default", 0).steps[-1]

    assert [(one.asked_as, one.is_free) for one in step.replies] == [("one", False), ("two", True)]
    assert run.report().is_rehearsal, "a judge makes its answers up"


def test_the_same_model_and_prompt_under_two_names_gives_two_replies_in_every_session(tmp_path: Path, court: Hold) -> None:
    numbers = iter(range(1000))
    replies = Behaviour(reply=lambda messages, choice, model: json.dumps({"answer": f"{next(numbers):03d}"}))
    held = court(replies)
    steps = held.steps(8, question={"type": "text", "title": "Say a number."})
    steps[1]["with"]["judges"] = [{"name": "a", "llm": held.llm(0)}, {"name": "b", "llm": held.llm(0)}, {"name": "c"}]
    steps[1]["with"]["llm"] = held.llm(0)

    first = run_steps(tmp_path, steps)
    for folder in ("ledger", "shelves"):
        (tmp_path / folder).rename(tmp_path / f"{folder}-gone")
    again = run_steps(tmp_path, steps)

    assert len({row["label"] for row in first.only}) == 24
    assert again.only == first.only
    assert held.requests == (24, 0)


def test_an_estimate_counts_requests_and_money_by_model(tmp_path: Path, court: Hold) -> None:
    held = court()
    found, rehearsal = spec(held.steps(50)), with_llm(spec(held.steps(50)), "rehearsal")

    projected = estimate(plan(rehearsal), priced=plan(found).llms, runs_dir=tmp_path)

    [panel] = [one for one in projected.steps if one.step == "panel"]
    assert panel.requests.mean == 100
    assert [(one.asked_as, one.model, one.requests.mean) for one in panel.models] == [
        ("one", "one-mini", 50),
        ("two", "two-large", 50),
    ]
    costs = [one.cost.mean for one in panel.models if one.cost is not None]
    assert 50 < costs[1] / costs[0] < 200
    assert panel.cost is not None
    assert panel.cost.mean == pytest.approx(sum(costs))
    assert held.requests == (0, 0)


def test_another_model_on_the_command_line_is_that_of_every_judge(court: Hold) -> None:
    changed = with_llm(spec(court().steps(3, one={"generation_kwargs": {"temperature": 0}})), "openai/other")

    judges = changed.step("panel").params["judges"]

    assert [judge.get("llm", {}).get("model") for judge in judges] == ["other", "other", None]
    assert judges[0]["llm"]["generation_kwargs"] == {"temperature": 0}


def test_what_a_judges_model_lacks_is_told_with_its_place(court: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    held = court()

    _, problems = examine(spec(held.steps(3, two={"api_key": "${NO_SUCH_KEY}"})))

    [problem] = problems
    assert (problem.code, problem.step) == ("model-not-ready", "panel")
    assert problem.what.startswith("`judges.1.llm`: there is no key")


def test_a_key_of_a_judges_model_stands_in_no_pipeline(court: Hold) -> None:
    held = court()

    with pytest.raises(PlanError, match=r"`judges.0.llm.api_key` holds a key itself") as caught:
        plan(spec(held.steps(3, one={"api_key": "sk-this-must-not-be-shown"})))
    assert "must-not-be-shown" not in str(caught.value)


def test_a_mistake_in_a_judge_is_told_in_words(court: Hold) -> None:
    steps = court().steps(3)
    steps[1]["with"]["judges"][0]["promt"] = "Be strict."
    steps[1]["with"]["judges"][1]["llm"] = {"use": "OpenAILM", "model": "m"}

    _, problems = examine(spec(steps))

    told = [problem.what for problem in problems]
    assert any("'judges.0.promt'" in one for one in told), told
    assert any("judges.1.llm" in one and "OpenAILM" in one for one in told), told
    assert not any("pydantic" in one for one in told)


def test_a_judge_with_another_model_is_another_step_and_the_replies_of_the_others_stay(tmp_path: Path, court: Hold) -> None:
    held = court()
    run_steps(tmp_path, held.steps(5))

    result = run_steps(tmp_path, held.steps(5, two={"generation_kwargs": {"temperature": 1}}))

    assert result.counts["panel"].reused == 0
    assert held.requests == (5, 10)


def test_how_a_server_is_reached_is_no_part_of_what_a_judge_says(tmp_path: Path, court: Hold) -> None:
    held = court()
    run_steps(tmp_path, held.steps(5))

    result = run_steps(tmp_path, held.steps(5, two={"max_concurrency": 3}))

    assert result.counts["panel"].reused == 5


def test_a_task_of_one_model_writes_its_journal_as_before(tmp_path: Path, court: Hold) -> None:
    held = court()
    parameters = {"llm": held.llm(0), "columns": ["text"], "template": "{{ text }}"}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": parameters}
    run_steps(tmp_path, [held.steps(2)[0], ask])

    entries = [entry for _, entry in entries_of(tmp_path / JOURNAL)]

    assert len(entries) == 2
    assert all("asked_as" not in entry for entry in entries)


def test_what_judges_say_and_what_a_file_holds_is_consolidated_together(tmp_path: Path, court: Hold) -> None:
    held = court(Behaviour(reply='{"answer": "right"}'), Behaviour(reply='{"answer": "right"}'))
    people = tmp_path / "people.csv"
    people.write_text("item,annotator,label\n0,ann,right\n0,bob,wrong\n9,ann,wrong\n")
    steps = [
        *held.steps(4),
        {"name": "people", "use": "LoadDataFromFileSystem", "with": {"data_files": str(people)}},
        {"name": "all", "use": "ConcatenateRows", "after": ["panel", "people"]},
        {"name": "settle", "use": "ConsolidateLabels", "after": "all", "with": {"strategy": "majority"}},
    ]

    rows = run_steps(tmp_path, steps).only

    assert [(row["item"], row["label"], row["n_annotations"]) for row in rows] == [
        ("0", "right", 4),
        ("1", "right", 3),
        ("2", "right", 2),
        ("3", "right", 3),
        ("9", "wrong", 1),
    ]


def test_the_estimate_on_the_command_line_has_a_line_for_each_judge(commands: Commands, court: Hold) -> None:
    commands.write(court().steps(50))

    ended = commands("plan", "pipeline.yaml", "--estimate", "--rehearse")

    lines = {line.split()[0]: line.split() for line in ended.out.splitlines() if line.strip()}
    assert ended.code == 0, ended.err
    assert (lines["one"][1:3], lines["two"][1:3]) == (["one-mini", "50"], ["two-large", "50"])
