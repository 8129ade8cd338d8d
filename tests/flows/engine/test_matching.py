"""Rows of different sources are matched by their position."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.engine.engine import Engine
from flows.lineage.why import why
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.spec import spec_from
from tests.flows.engine.running import own, run_steps

both = pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])


def numbers(name: str, rows: int, column: str | None = None, batch_size: int = 3) -> dict[str, Any]:
    column = column or name
    step = {"name": name, "use": "NumberedRows", "with": {"num_rows": rows, "start": 0, "column": column}}
    return {**step, "batch_size": batch_size}


def add(name: str, after: str, **params: Any) -> dict[str, Any]:
    return {"name": name, "use": own("Add"), "after": after, "with": {"column": name, **params}, "batch_size": 3}


def join(*after: str, name: str = "join") -> dict[str, Any]:
    return {"name": name, "use": "CombineOutputs", "after": list(after)}


@both
def test_the_first_row_goes_with_the_first_whatever_the_batches(tmp_path: Path, in_threads: bool) -> None:
    steps = [numbers("i", 200, batch_size=7), numbers("j", 200, batch_size=50), add("a", "i", sleep_s=0.001), join("a", "j")]

    result = run_steps(tmp_path, steps, in_threads=in_threads)

    assert result.only == [{"i": n, "a": n, "j": n} for n in range(200)]


def test_the_longer_source_ends_with_the_shorter_one(tmp_path: Path) -> None:
    costly = {**add("a", "i"), "resources": {"replicas": 2}}

    result = run_steps(tmp_path, [numbers("i", 100_000), numbers("j", 20), costly, join("a", "j")])

    assert [row["a"] for row in result.only] == list(range(20))
    assert result.counts["a"].taken == 20
    assert result.counts["i"].made < 40
    assert any("'i' gives no more rows: no row of 'j' is left" in said for _, said in result.said)
    assert [(one.step, one.what) for one in result.engine.shortfalls] == [
        ("join", "of 'i' only the first 20 rows are matched, since 'j' gave no more")
    ]


def test_a_longer_source_that_leads_elsewhere_too_gives_all_its_rows(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbers("i", 500), numbers("j", 20), add("a", "i"), join("i", "j")])

    assert len(result.rows["join"]) == 20
    assert len(result.rows["a"]) == 500
    assert [one.step for one in result.engine.shortfalls] == ["join"]


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ({"use": "DataSampler", "with": {"data": [{"j": 1}], "samples": 20}}, "raise `samples` of 'j', or let these sources"),
        ({"use": "NumberedRows", "with": {"num_rows": 20}}, "raise `num_rows` of 'j', or let these sources"),
        ({"use": "LoadDataFromFileSystem", "with": {"num_examples": 20}}, "raise `num_examples` of 'j', or let these sources"),
        ({"use": "LoadDataFromFileSystem", "with": {"num_examples": 90}}, "let these sources give as many rows as each other"),
        ({"use": "LoadDataFromDicts", "with": {"data": [{"j": 1}] * 20}}, "let these sources give as many rows as each other"),
    ],
)
def test_the_parameter_that_made_a_source_the_shorter_one_is_named(tmp_path: Path, source: dict[str, Any], fix: str) -> None:
    if source["use"] == "LoadDataFromFileSystem":
        rows = 50 if source["with"]["num_examples"] == 20 else 20
        (tmp_path / "rows.jsonl").write_text('{"j": 1}\n' * rows)
        source["with"]["data_files"] = str(tmp_path / "rows.jsonl")

    result = run_steps(tmp_path, [numbers("i", 60), {"name": "j", **source}, join("i", "j")])

    [shortfall] = result.engine.shortfalls
    assert shortfall.fix.startswith(fix)


@pytest.mark.parametrize("rows", [30, 31])
def test_sources_of_the_same_length_leave_no_row_without_a_partner(tmp_path: Path, rows: int) -> None:
    result = run_steps(tmp_path, [numbers("i", rows), numbers("j", rows, batch_size=10), add("a", "i"), join("a", "j")])

    assert len(result.only) == result.counts["i"].made == result.counts["j"].made == rows
    assert result.engine.shortfalls == []
    assert not [said for _, said in result.said if "gives no more rows" in said]


def test_that_a_source_ends_when_there_is_enough_of_it_is_no_lack_of_its_partners(tmp_path: Path) -> None:
    until = {"name": "until", "use": "GenerateUntil", "after": "i", "with": {"num_rows": 12}}

    result = run_steps(tmp_path, [numbers("i", 50), numbers("j", 50), join("i", "j"), until])

    assert (len(result.rows["until"]), len(result.rows["join"])) == (12, 12)
    assert result.engine.shortfalls == []


def test_a_row_waits_for_the_source_of_an_outer_join_too(tmp_path: Path) -> None:
    late = {**add("late", "k", sleep_s=0.01), "input_mappings": {"i": "k"}}
    other = {"name": "other", "use": "KeepColumns", "after": "j", "with": {"columns": ["j"]}}
    sources = [numbers("i", 50), numbers("j", 50), numbers("k", 30)]

    result = run_steps(tmp_path, [*sources, late, other, join("i", "j"), join("join", "late", name="all")])

    assert result.rows["all"] == [{"i": n, "j": n, "k": n, "late": n} for n in range(30)]
    assert len(result.rows["other"]) == 50


def test_a_row_that_fails_leaves_its_partner_alone(tmp_path: Path) -> None:
    steps = [numbers("i", 30), numbers("j", 30), add("a", "i", raise_at=[4, 17]), join("a", "j")]

    result = run_steps(tmp_path, steps)

    assert [row["j"] for row in result.only] == [n for n in range(30) if n not in (4, 17)]
    assert len(result.failures) == 2


def test_a_row_that_is_dropped_or_multiplied_keeps_its_partner(tmp_path: Path) -> None:
    twice = {"name": "twice", "use": own("Twice"), "after": "odd"}
    odd = {"name": "odd", "use": own("Odd"), "after": "i"}

    result = run_steps(tmp_path, [numbers("i", 8), numbers("j", 8), odd, twice, join("twice", "j")])

    assert [(row["i"], row["j"]) for row in result.only] == [(n, n) for n in (1, 3, 5, 7) for _ in range(2)]


def test_three_sources_and_a_join_of_a_join_meet_at_the_same_position(tmp_path: Path) -> None:
    steps = [numbers("i", 12), numbers("j", 12), numbers("k", 15), join("i", "j"), join("join", "k", "i", name="all")]

    assert run_steps(tmp_path, steps).only == [{"i": n, "j": n, "k": n} for n in range(12)]


def test_a_routed_row_of_one_source_meets_the_row_of_the_other(tmp_path: Path) -> None:
    steps = [numbers("i", 40, batch_size=5), numbers("j", 40), add("a", "i"), add("b", "i"), join("a", "b", "j")]

    result = run_steps(tmp_path, steps, routing={"i": {"use": "sample_n_steps", "with": {"n": 1}}})

    assert [row["j"] for row in result.only] == list(range(40))
    assert all(("a" in row) != ("b" in row) for row in result.only)


def test_a_routed_row_may_go_straight_to_the_join(tmp_path: Path) -> None:
    steps = [numbers("i", 40, batch_size=5), numbers("j", 40), add("a", "i"), join("a", "i", "j")]

    result = run_steps(tmp_path, steps, routing={"i": {"use": "sample_n_steps", "with": {"n": 1}}})

    assert [row["j"] for row in result.only] == list(range(40))
    assert {"a" in row for row in result.only} == {True, False}


def test_a_worker_that_dies_is_replaced_and_the_pairs_stay(tmp_path: Path) -> None:
    once = str(tmp_path / "killed")
    steps = [numbers("i", 60), numbers("j", 60), add("a", "i", kill_at=[31], kill_once=once), join("a", "j")]

    result = run_steps(tmp_path / "run", steps, in_threads=False)

    assert result.only == [{"i": n, "a": n, "j": n} for n in range(60)]


def test_a_run_that_was_stopped_goes_on_with_the_same_pairs(tmp_path: Path) -> None:
    steps = [numbers("i", 300), numbers("j", 300), add("a", "i", sleep_s=0.005), join("a", "j")]

    async def stop_soon(engine: Engine) -> None:
        while engine.counts["a"].made < 30:
            await asyncio.sleep(0.005)
        engine.stop()

    run_steps(tmp_path, steps, during=stop_soon)
    done = run_steps(tmp_path, steps)

    assert done.only == [{"i": n, "a": n, "j": n} for n in range(300)]
    assert done.counts["a"].reused >= 30


def test_why_shows_the_rows_of_both_sources(tmp_path: Path) -> None:
    pipeline, _ = spec_from({"distilflow": 1, "steps": [numbers("i", 9), numbers("j", 9), add("a", "i"), join("a", "j")]})

    found = why(run_inline(plan(pipeline), tmp_path, run_id="r"), "default", 5)

    assert {step.step: step.added for step in found.steps} == {"i": {"i": 5}, "j": {"j": 5}, "a": {"a": 5}, "join": {}}
