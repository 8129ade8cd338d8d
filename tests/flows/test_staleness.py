"""What a changed pipeline does again: said before it runs, and then true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.engine.options import RunOptions
from flows.plan import Plan, plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder, RunStore
from flows.spec import spec_from
from flows.staleness import staleness
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands
from tests.flows.paid_runs import steps as paid_steps


@pytest.fixture
def fake() -> FakeOpenAI:
    return FakeOpenAI()


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as url:
        yield url


def planned(url: str, rows: int = 6, system: str = "a", judged: str = "m", *, more: bool = False) -> Plan:
    data = [{"instruction": f"question {i}"} for i in range(rows)]
    llm = {"use": "OpenAILLM", "base_url": f"{url}/v1", "price": {"input": 10, "output": 10}}
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "first", "use": "TextGeneration", "after": "load", "with": {"llm": {**llm, "model": "m"}}},
        {"name": "cut", "use": "TruncateTextColumn", "after": "first", "with": {"column": "generation", "max_length": 99}},
        {
            "name": "second",
            "use": "TextGeneration",
            "after": "cut",
            "with": {"llm": {**llm, "model": judged}, "system_prompt": system},
        },
    ]
    if more:
        steps.append({"name": "third", "use": "TextGeneration", "after": "second", "with": {"llm": {**llm, "model": "m"}}})
    spec, problems = spec_from({"distilflow": 1, "name": "mine", "steps": steps})
    assert not problems
    return plan(spec)


def run(folder: Path, made: Plan, run_id: str, *, reuse: bool = False) -> RunFolder:
    options = RunOptions(reuse=tuple(run.path for run, _ in RunStore(folder).of_pipeline("mine")) if reuse else ())
    return run_inline(made, folder, run_id=run_id, options=options)


def test_a_pipeline_that_never_ran_is_new(tmp_path: Path, url: str) -> None:
    found = staleness(planned(url), RunStore(tmp_path))
    assert (found.run_id, set(found.steps.values()), found.summary) == (None, {"new"}, "This pipeline has not run yet.")


def test_only_what_a_change_touches_is_stale_and_only_that_is_asked_again(tmp_path: Path, url: str, fake: FakeOpenAI) -> None:
    run(tmp_path, planned(url), "one")
    assert set(staleness(planned(url), RunStore(tmp_path)).steps.values()) == {"fresh"}

    found = staleness(planned(url, system="b"), RunStore(tmp_path))
    assert found.steps == {"load": "fresh", "first": "fresh", "cut": "fresh", "second": "stale"}
    assert (found.run_id, found.rows, found.requests, found.unknown) == ("one", 6, 6, [])
    assert found.cost > 0
    assert found.summary.startswith("1 step of 4 would run again since run one: up to 6 rows, 6 requests, about $")

    before = fake.stats.requests
    two = run(tmp_path, planned(url, system="b"), "two", reuse=True)
    assert fake.stats.requests - before == found.requests
    spent = two.report().usage.cost
    assert spent == pytest.approx(found.cost, rel=0.2)
    assert two.report().steps["first"].reused == 6
    assert [two.maker_of(step).run_id for step in ("load", "first", "second")] == ["two", "one", "two"]
    three = run(tmp_path, planned(url, system="b"), "three", reuse=True)
    assert three.maker_of("second").newest_rows("second") == two.newest_rows("second") != []


def test_rows_reused_by_one_run_are_there_for_the_next(tmp_path: Path, url: str, fake: FakeOpenAI) -> None:
    run(tmp_path, planned(url), "one")
    run(tmp_path, planned(url, system="b"), "two", reuse=True)
    before = fake.stats.requests
    three = run(tmp_path, planned(url, rows=8, system="b"), "three", reuse=True)

    assert fake.stats.requests - before == 2 * 2
    assert three.report().steps["first"].reused == 6
    back = run(tmp_path, planned(url), "four", reuse=True)  # as it was at first
    assert fake.stats.requests - before == 4
    assert back.report().rows == {"default": 6}


def test_another_source_is_stale_alone_and_a_new_step_has_no_price_yet(tmp_path: Path, url: str) -> None:
    run(tmp_path, planned(url), "one")
    found = staleness(planned(url, rows=7, more=True), RunStore(tmp_path))

    assert found.steps == {"load": "stale", "first": "fresh", "cut": "fresh", "second": "fresh", "third": "new"}
    assert found.unknown == ["third"]
    assert "the cost of 'third' is not known yet" in found.summary


def test_on_the_command_line_a_run_takes_over_what_is_named(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    commands.write(paid_steps(url))
    assert commands("run", "pipeline.yaml", "--run-id", "a", "--no-prefect").code == 0
    assert commands("run", "pipeline.yaml", "--run-id", "b", "--no-prefect").code == 0
    assert fake.stats.requests == 12
    for number, named in enumerate(("a", "last")):
        ended = commands("run", "pipeline.yaml", "--run-id", f"c{number}", "--no-prefect", "--reuse", named)
        assert (ended.code, fake.stats.requests) == (0, 12), ended.err
    missing = commands("run", "pipeline.yaml", "--run-id", "d", "--no-prefect", "--reuse", "nothing")
    assert (missing.code, "there is no run 'nothing'" in missing.err) == (2, True)
