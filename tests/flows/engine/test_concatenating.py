"""Rows of several branches one after the other, whatever source they come from."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.engine.engine import Engine
from flows.engine.options import RunOptions
from flows.estimate import estimate
from flows.lineage.why import why
from flows.plan import examine, plan
from flows.runners.inline import run_inline
from flows.spec import PipelineSpec, spec_from
from steps.columns import ConcatenateRows
from tests.flows.engine.running import own, run_steps

both = pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])


def numbers(name: str, rows: int, start: int = 0, column: str = "i") -> dict[str, Any]:
    step = {"name": name, "use": "NumberedRows", "with": {"num_rows": rows, "start": start, "column": column}}
    return {**step, "batch_size": 3}


def add(name: str, after: str, **params: Any) -> dict[str, Any]:
    return {"name": name, "use": own("Add"), "after": after, "with": {"column": name, **params}, "batch_size": 3}


def concatenate(*after: str, name: str = "all") -> dict[str, Any]:
    return {"name": name, "use": "ConcatenateRows", "after": list(after)}


def spec(steps: list[dict[str, Any]], **more: Any) -> PipelineSpec:
    found, problems = spec_from({"distilflow": 1, "name": "test", "steps": steps, **more})
    assert not problems
    return found


@both
def test_rows_of_sources_of_different_lengths_follow_each_other_in_the_order_of_after(tmp_path: Path, in_threads: bool) -> None:
    steps = [numbers("i", 7), numbers("j", 40, start=100), add("a", "i", sleep_s=0.01), concatenate("a", "j")]

    result = run_steps(tmp_path, steps, in_threads=in_threads)

    assert result.only == [
        *({"i": n, "a": n} for n in range(7)),
        *({"i": n} | {"a": None} for n in range(100, 140)),
    ]
    assert (result.counts["all"].taken, result.counts["all"].made) == (47, 47)
    assert result.engine.shortfalls == []


def test_the_first_branch_comes_first_also_where_it_is_the_slower_one(tmp_path: Path) -> None:
    steps = [numbers("i", 5), numbers("j", 5, start=10), add("slow", "j", sleep_s=0.05), concatenate("slow", "i")]

    assert [row["i"] for row in run_steps(tmp_path, steps).only] == [*range(10, 15), *range(5)]


def test_rows_that_fail_or_are_dropped_are_not_there_and_those_that_multiply_all_are(tmp_path: Path) -> None:
    steps = [
        numbers("i", 10),
        add("fails", "i", raise_at=[2, 9]),
        {"name": "odd", "use": own("Odd"), "after": "i"},
        {"name": "twice", "use": own("Twice"), "after": "odd"},
        concatenate("twice", "fails"),
    ]

    result = run_steps(tmp_path, steps)

    assert [row["i"] for row in result.only] == [1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 0, 1, 3, 4, 5, 6, 7, 8]
    assert {failure.step for failure in result.failures} == {"fails"}


@both
def test_after_a_router_only_the_rows_that_were_sent_there_come(tmp_path: Path, in_threads: bool) -> None:
    steps = [numbers("i", 12), add("a", "i"), add("b", "i"), concatenate("i", "b", "a")]
    routing = {"i": {"use": "sample_n_steps", "with": {"n": 1}}}

    result = run_steps(tmp_path, steps, routing=routing, in_threads=in_threads)

    rows = result.only
    assert sorted(row["i"] for row in rows) == list(range(12)), "each row took one way"
    kinds = ["b" if row["b"] is not None else "a" if row["a"] is not None else "i" for row in rows]
    assert kinds == sorted(kinds, key="iba".index)
    assert len(set(kinds)) > 1


def test_one_branch_that_makes_no_row_leaves_those_of_the_other(tmp_path: Path) -> None:
    steps = [numbers("i", 3), numbers("j", 2), add("none", "j", raise_at=[0, 1]), concatenate("none", "i")]

    assert [row["i"] for row in run_steps(tmp_path, steps).only] == [0, 1, 2]


def test_a_run_that_was_stopped_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    steps = [
        numbers("i", 60),
        numbers("j", 30, start=100),
        add("a", "i", sleep_s=0.02, calls=str(calls), raise_at=[7]),
        concatenate("j", "a"),
        add("after", "all"),
    ]

    async def stop(engine: Engine) -> None:
        while not calls.exists() or len(calls.read_text().split()) < 20:
            await asyncio.sleep(0.01)
        engine.stop()

    stopped = run_steps(tmp_path / "run", steps, during=stop)
    assert stopped.only == []

    result = run_steps(tmp_path / "run", steps)

    assert [row["i"] for row in result.only] == [*range(100, 130), *(n for n in range(60) if n != 7)]
    assert sorted(map(int, calls.read_text().split())) == [n for n in range(60) if n != 7], "no row was made twice"


def test_a_run_whose_workers_are_killed_comes_to_the_same_rows(tmp_path: Path) -> None:
    steps = [
        numbers("i", 20),
        numbers("j", 20, start=100),
        {**add("a", "i", kill_at=[13], kill_once=str(tmp_path / "killed")), "resources": {"cpus": 1}},
        concatenate("a", "j"),
    ]

    result = run_steps(tmp_path / "run", steps, in_threads=False)

    assert [row["i"] for row in result.only] == [*range(20), *range(100, 120)]
    assert ("a", "died") in result.workers


def test_nothing_is_made_again_of_the_same_rows_and_all_of_one_more(tmp_path: Path) -> None:
    def steps(rows: int) -> list[dict[str, Any]]:
        return [numbers("i", 4), numbers("j", rows), concatenate("i", "j")]

    first, again, more = (run_steps(tmp_path, steps(rows)) for rows in (3, 3, 4))

    assert first.only == again.only
    assert (first.counts["all"].reused, again.counts["all"].reused, more.counts["all"].reused) == (0, 7, 0)
    assert len(more.only) == 8


def test_branches_that_are_joined_behind_it_are_matched_by_its_rows(tmp_path: Path) -> None:
    steps = [
        numbers("i", 4),
        numbers("j", 4),
        concatenate("i", "j"),
        add("a", "all"),
        add("b", "all", raise_at=[2]),
        {"name": "join", "use": "CombineOutputs", "after": ["a", "b"]},
    ]

    assert run_steps(tmp_path, steps).only == [{"i": n, "a": n, "b": n} for n in (0, 1, 3)] * 2


def test_its_columns_are_those_of_all_branches(tmp_path: Path) -> None:
    data = {"use": "LoadDataFromDicts", "with": {"data": [{"i": [1], "who": "ann"}]}}
    steps = [numbers("i", 4), {"name": "data", **data}, add("a", "i"), concatenate("a", "data"), add("b", "all")]

    found, problems = examine(spec(steps))

    assert problems == []
    assert found.steps["all"].sent == ["i", "a", "who"]
    assert found.steps["all"].kinds_sent == {"who": "single"}, "i holds a number here and a list there"


def test_a_column_that_a_step_needs_must_be_in_every_branch() -> None:
    step = {"name": "total", "use": own("TotalOfBranches"), "after": ["i", "j"]}

    _, problems = examine(spec([numbers("i", 4), numbers("j", 4, column="other"), step]))

    assert [(one.code, one.step) for one in problems] == [("missing-column", "total")]
    assert "'j'" in problems[0].what


def test_a_step_of_ones_own_takes_branch_after_branch_too(tmp_path: Path) -> None:
    steps = [numbers("i", 4), numbers("j", 2), {"name": "total", "use": own("TotalOfBranches"), "after": ["i", "j"]}]

    assert run_steps(tmp_path, steps).only == [{"i": n, "total": 7} for n in (0, 1, 2, 3, 0, 1)]


def test_every_row_behind_it_leads_back_into_its_own_branch(tmp_path: Path) -> None:
    steps = [
        numbers("i", 6),
        numbers("j", 4, start=10),
        {"name": "odd", "use": own("Odd"), "after": "i"},
        {"name": "twice", "use": own("Twice"), "after": "odd"},
        add("a", "j", raise_at=[11]),
        concatenate("twice", "a"),
        add("b", "all"),
    ]
    run = run_inline(plan(spec(steps)), tmp_path / "runs", run_id="r")

    ways = [why(run, "default", index) for index in range(9)]

    assert [[step.step for step in told.steps] for told in ways] == [
        *[["i", "odd", "twice", "all", "b"]] * 6,
        *[["j", "a", "all", "b"]] * 3,
    ]
    assert [told.steps[0].added for told in ways] == [{"i": n} for n in (1, 1, 3, 3, 5, 5, 10, 12, 13)]
    assert [told.steps[-2].added for told in ways] == [*[{"a": None}] * 6, *[{"half": None}] * 3]
    assert ways[0].steps[-2].note == "the row of 'twice', put among those of 'twice' and 'a'"
    assert all(step.is_whole or step.step in ("odd", "i", "j") for told in ways for step in told.steps)


def test_after_a_router_a_row_behind_it_leads_back_too(tmp_path: Path) -> None:
    routing = {"i": {"use": "sample_n_steps", "with": {"n": 1}}}
    found = plan(spec([numbers("i", 9), add("a", "i"), concatenate("i", "a")], routing=routing))
    run = run_inline(found, tmp_path / "runs", run_id="r")

    ways = [[(step.step, step.added.get("i")) for step in why(run, "default", index).steps] for index in range(9)]

    assert sorted(way[0][1] or 0 for way in ways) == list(range(9))
    assert {tuple(step for step, _ in way) for way in ways} == {("i", "all"), ("i", "a", "all")}


def test_a_resumed_run_still_knows_the_way_of_every_row(tmp_path: Path) -> None:
    found = plan(spec([numbers("i", 3), numbers("j", 2, start=10), concatenate("i", "j"), add("b", "all")]))
    run_inline(found, tmp_path / "runs", run_id="r")

    run = run_inline(found, tmp_path / "runs", run_id="r")

    assert [why(run, "default", index).steps[0].step for index in range(5)] == ["i", "i", "i", "j", "j"]


def test_behind_a_step_that_picks_rows_the_way_ends_there(tmp_path: Path) -> None:
    steps = [numbers("i", 3), numbers("j", 2), {"name": "total", "use": own("TotalOfBranches"), "after": ["i", "j"]}]
    run = run_inline(plan(spec(steps)), tmp_path / "runs", run_id="r")

    [step] = why(run, "default", 4).steps

    assert step.note == "made of all rows of 'i' and 'j' at once"


def test_an_estimate_counts_the_rows_of_all_branches(tmp_path: Path) -> None:
    steps = [numbers("i", 100), numbers("j", 40), concatenate("i", "j"), add("after", "all")]

    found = estimate(plan(spec(steps)), runs_dir=tmp_path)

    assert {one.step: one.rows_out for one in found.steps} == {"i": 100, "j": 40, "all": 140, "after": 140}


def test_as_many_rows_of_each_source_come_as_a_run_is_told_to_take(tmp_path: Path) -> None:
    steps = [numbers("i", 100), numbers("j", 40), concatenate("i", "j")]

    run = run_inline(plan(spec(steps)), tmp_path / "runs", options=RunOptions(max_rows=3))

    assert run.report().steps["all"].made == 6


def test_without_a_pipeline_columns_are_filled_too() -> None:
    assert list(ConcatenateRows().process([{"a": 1}, {"b": 2}])) == [{"a": 1, "b": None}, {"a": None, "b": 2}]
