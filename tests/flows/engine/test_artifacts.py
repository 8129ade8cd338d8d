"""Artifacts of steps at work: in workers, threads and on the event loop, through deaths, resumes and changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steps.artifacts import ARTIFACTS, artifacts_in
from tests.flows.engine.running import own, run_steps


def saved(folder: Path, step: str) -> dict[str, str]:
    """What the artifacts of a step hold, by name; each is whole."""
    found = {}
    for rows in (folder / ARTIFACTS).glob(f"{step}-*/*"):
        for name, path in artifacts_in(rows).items():
            found[name] = (path / "first.txt").read_text()
            assert (path / "more" / "second.txt").read_text() == found[name]
            assert (path / "metadata.json").exists()
    return found


def numbers(rows: int = 10, use: str = "Numbers", **params: Any) -> dict[str, Any]:
    return {"name": "load", "use": own(use), "batch_size": 5, "with": {"rows": rows, **params}}


def step(name: str, use: str, **params: Any) -> dict[str, Any]:
    return {"name": name, "use": own(use), "after": "load", "with": params}


@pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])
def test_every_kind_of_step_can_leave_some(tmp_path: Path, in_threads: bool) -> None:
    load = numbers(use="LeavesNumbers")
    leaving = step("leave", "Leaves")
    asking = {**step("ask", "LeavesAsked"), "after": "leave"}
    every = {**step("every", "LeavesTotal"), "after": "ask"}

    run_steps(tmp_path, [load, leaving, asking, every], in_threads=in_threads)

    assert saved(tmp_path, "load") == {"numbers": "10"}
    assert saved(tmp_path, "leave") == {"text": "a" * 1000, "count": "10"}
    assert saved(tmp_path, "ask") == {"asked": ", ".join(f"about {i}" for i in range(10))}
    assert saved(tmp_path, "every") == {"total": "10"}


def test_a_step_that_works_outside_the_run_again_keeps_nothing(tmp_path: Path) -> None:
    from tests.flows.engine.own_steps import Leaves

    result = run_steps(tmp_path, [numbers(), step("leave", "Leaves")])

    leaves = result.engine.plan.steps["leave"].step
    assert isinstance(leaves, Leaves)
    leaves.text = "changed"
    leaves.process([{"i": 1}])
    assert saved(tmp_path, "leave")["text"] == "a" * 1000


def test_replicas_may_save_the_same_one(tmp_path: Path) -> None:
    shared = {**step("leave", "Leaves"), "resources": {"replicas": 2}, "batch_size": 5}

    run_steps(tmp_path, [numbers(200), shared], in_threads=False)

    assert saved(tmp_path, "leave")["text"] == "a" * 1000


def test_a_worker_that_dies_while_it_writes_leaves_none_and_the_next_one_a_whole_one(tmp_path: Path) -> None:
    steps = [numbers(), step("leave", "Leaves", kill_once=str(tmp_path / "killed"))]

    result = run_steps(tmp_path / "run", steps, in_threads=False)

    assert (tmp_path / "killed").exists()
    assert ("leave", "died") in result.workers
    assert len(result.only) == 10
    assert saved(tmp_path / "run", "leave")["text"] == "a" * 1000


def test_rows_that_are_finished_leave_what_is_there(tmp_path: Path) -> None:
    steps = [numbers(), step("leave", "Leaves")]
    run_steps(tmp_path, steps)

    result = run_steps(tmp_path, steps)

    assert result.counts["leave"].reused == 10
    assert saved(tmp_path, "leave") == {"text": "a" * 1000, "count": "10"}


def test_a_task_is_shown_the_rows_that_it_finished_earlier(tmp_path: Path) -> None:
    def steps(rows: int) -> list[dict[str, Any]]:
        return [numbers(rows), {**step("ask", "LeavesAsked"), "output_mappings": {"generation": "said"}}]

    run_steps(tmp_path / "first", steps(4))

    run_steps(tmp_path / "second", steps(6), reuse=(tmp_path / "first",))

    assert saved(tmp_path / "second", "ask") == {"asked": ", ".join(f"about {i}" for i in range(6))}


def test_a_changed_step_leaves_others_and_changed_back_the_same_again(tmp_path: Path) -> None:
    for text in ("a", "b", "a"):
        run_steps(tmp_path, [numbers(), step("leave", "Leaves", text=text)])

    found = [artifacts_in(rows)["text"] for rows in (tmp_path / ARTIFACTS).glob("leave-*/*")]
    assert sorted((path / "first.txt").read_text()[0] for path in found) == ["a", "b"]


def test_a_source_that_leaves_none_any_more_has_none(tmp_path: Path) -> None:
    run_steps(tmp_path, [numbers(use="LeavesNumbers")])
    assert saved(tmp_path, "load") == {"numbers": "10"}

    run_steps(tmp_path, [numbers(use="LeavesNumbers", leaves=False)])

    assert saved(tmp_path, "load") == {}


def test_what_a_step_leaves_of_all_rows_is_always_of_the_rows_at_hand(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def total(rows: int) -> str:
        run_steps(tmp_path / "run", [numbers(rows), step("every", "LeavesTotal", calls=str(calls))])
        return saved(tmp_path / "run", "every")["total"]

    assert [total(rows) for rows in (10, 10, 7, 10)] == ["10", "10", "7", "10"]
    assert calls.read_text().splitlines() == ["all 10", "all 7", "all 10"]


@pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])
@pytest.mark.parametrize("use", ["Leaves", "LeavesAsked"])
def test_a_step_that_breaks_at_its_end_is_told_of_and_its_rows_are_kept(tmp_path: Path, use: str, in_threads: bool) -> None:
    steps = [numbers(), step("leave", use, fails_at_end=True), {**step("add", "Add"), "after": "leave"}]

    result = run_steps(tmp_path, steps, in_threads=in_threads)

    assert len(result.only) == 10
    [(level, said)] = [line for line in result.said if "no end" in line[1]]
    assert (level, said.startswith("step 'leave': ValueError: no end"), said.endswith("its rows are kept")) == (
        "warning",
        True,
        True,
    )
