"""What is not done again: a change redoes the step it touches and those after it, nothing before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.engine import chain as engine_chain
from flows.engine import quarantine
from tests.flows.engine.running import Result, own, run_steps


def pipeline(folder: Path, rows: list[dict[str, Any]], **b_params: Any) -> list[dict[str, Any]]:
    def counted(name: str, after: str, **params: Any) -> dict[str, Any]:
        own_params = {"column": name, "calls": str(folder / f"calls-{name}"), **params}
        return {"name": name, "use": own("Add"), "after": after, "with": own_params}

    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": rows}}
    return [load, counted("a", "load"), counted("b", "a", **b_params), counted("c", "b")]


def calls(folder: Path, step: str) -> list[int]:
    path = folder / f"calls-{step}"
    found = sorted(map(int, path.read_text().split())) if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def all_calls(folder: Path) -> dict[str, list[int]]:
    return {step: calls(folder, step) for step in "abc"}


ROWS = [{"i": i} for i in range(7)]
EVERY = list(range(7))


def test_the_same_run_again_does_nothing(tmp_path: Path) -> None:
    first = run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)

    again = run_steps(tmp_path, pipeline(tmp_path, ROWS))

    assert all_calls(tmp_path) == {"a": [], "b": [], "c": []}
    assert again.only == first.only
    assert again.counts["c"].reused == 7


def test_a_changed_parameter_redoes_that_step_and_those_after_it(tmp_path: Path) -> None:
    run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)

    result = run_steps(tmp_path, pipeline(tmp_path, ROWS, plus=10))

    assert all_calls(tmp_path) == {"a": [], "b": EVERY, "c": EVERY}
    assert [row["b"] for row in result.only] == [i + 10 for i in EVERY]


def test_changed_code_redoes_that_step_and_those_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "my_step.py"
    source = "from steps.base import Step\nclass Mine(Step):\n    '''Doc.'''\n    def process(self, batch):\n        return "
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps,my_step")
    steps = pipeline(tmp_path, ROWS)
    steps[2] = {"name": "b", "use": "my_step:Mine", "after": "a"}
    module.write_text(source + "[{**row, 'b': 1} for row in batch]\n")
    run_steps(tmp_path, steps, in_threads=False)
    forget("my_step")
    all_calls(tmp_path)
    module.write_text(source + "[{**row, 'b': 222} for row in batch]\n")

    result = run_steps(tmp_path, steps, in_threads=False)

    assert {step: calls(tmp_path, step) for step in "ac"} == {"a": [], "c": EVERY}
    assert {row["b"] for row in result.only} == {222}


def forget(module: str) -> None:
    import importlib
    import linecache
    import sys

    from flows.engine.keys import code_hash

    sys.modules.pop(module, None)
    importlib.invalidate_caches()
    linecache.clearcache()
    code_hash.cache_clear()


def test_appended_rows_run_alone(tmp_path: Path) -> None:
    run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)

    result = run_steps(tmp_path, pipeline(tmp_path, [*ROWS, {"i": 7}, {"i": 8}]))

    assert all_calls(tmp_path) == {"a": [7, 8], "b": [7, 8], "c": [7, 8]}
    assert [row["i"] for row in result.only] == list(range(9))


def test_changed_data_redoes_the_changed_rows(tmp_path: Path) -> None:
    run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)
    changed = [{"i": 100 if row["i"] == 3 else row["i"]} for row in ROWS]

    result = run_steps(tmp_path, pipeline(tmp_path, changed))

    assert all_calls(tmp_path) == {"a": [100], "b": [100], "c": [100]}
    assert [row["c"] for row in result.only] == [0, 1, 2, 100, 4, 5, 6]


def test_removed_and_reordered_rows_are_found_again(tmp_path: Path) -> None:
    run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)

    result = run_steps(tmp_path, pipeline(tmp_path, [{"i": 6}, {"i": 0}, {"i": 2}]))

    assert all_calls(tmp_path) == {"a": [], "b": [], "c": []}
    assert [row["i"] for row in result.only] == [6, 0, 2]


def test_equal_rows_each_have_a_result(tmp_path: Path) -> None:
    twins = [{"i": 1}, {"i": 1}, {"i": 1}]
    run_steps(tmp_path, pipeline(tmp_path, twins))
    all_calls(tmp_path)

    result = run_steps(tmp_path, pipeline(tmp_path, [*twins, {"i": 1}]))

    assert all_calls(tmp_path)["a"] == [1]
    assert len(result.only) == 4


def test_equal_rows_keep_results_of_their_own_when_a_run_goes_on(tmp_path: Path) -> None:
    twins = [{"i": 1}] * 40
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromDicts", "batch_size": 5, "with": {"data": twins}},
        {"name": "throw", "use": own("Dice"), "after": "load", "resources": {"replicas": 2}, "batch_size": 5},
    ]
    first = run_steps(tmp_path, steps, in_threads=False)
    again = run_steps(tmp_path, steps, in_threads=False)

    assert len({row["thrown"] for row in first.only}) == 40
    assert again.only == first.only


def test_equal_rows_that_fail_are_each_in_quarantine(tmp_path: Path) -> None:
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": 1}] * 3}},
        {"name": "add", "use": own("Add"), "after": "load", "with": {"raise_at": [1]}},
    ]
    assert run_steps(tmp_path, steps).engine.quarantined == 3
    assert run_steps(tmp_path, steps).engine.quarantined == 3


@pytest.mark.parametrize(("worth_keeping_s", "kept"), [(0.0, 10), (60.0, 0)], ids=["every-step-kept", "only-the-last-kept"])
def test_a_step_sees_the_same_in_a_fresh_run_and_in_one_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth_keeping_s: float, kept: int
) -> None:
    monkeypatch.setattr(engine_chain, "WORTH_KEEPING_S", worth_keeping_s)

    def steps(code: str) -> list[dict[str, Any]]:
        return [
            {"name": "load", "use": own("Numbers")},
            {"name": "tag", "use": own("SetOfTags"), "after": "load"},
            {"name": "count", "use": own("Counts"), "after": "tag", "with": {"calls": code}},
        ]

    fresh = run_steps(tmp_path, steps("one"))
    resumed = run_steps(tmp_path, steps("two"))  # the last step is done again, on rows of the ledger where they are kept

    assert resumed.counts["tag"].reused == kept
    assert {row["kind"] for row in fresh.only} == {row["kind"] for row in resumed.only} == {"list"}


def test_another_batch_size_reuses_everything(tmp_path: Path) -> None:
    run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)
    steps = [{**step, "batch_size": 2} for step in pipeline(tmp_path, ROWS)]

    run_steps(tmp_path, steps)

    assert all_calls(tmp_path) == {"a": [], "b": [], "c": []}


def test_a_step_over_all_rows_runs_again_only_when_its_rows_change(tmp_path: Path) -> None:
    def steps(rows: list[dict[str, Any]], **b_params: Any) -> list[dict[str, Any]]:
        total = {"name": "t", "use": own("Total"), "after": "load", "with": {"calls": str(tmp_path / "calls-t")}}
        after = {"name": "b", "use": own("Add"), "after": "t", "with": {"column": "b", **b_params}}
        return [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": rows}}, total, after]

    run_steps(tmp_path, steps(ROWS))
    result = run_steps(tmp_path, steps(ROWS, plus=1))
    assert (tmp_path / "calls-t").read_text() == "all 7\n"
    assert [row["b"] for row in result.only] == [i + 1 for i in EVERY]

    run_steps(tmp_path, steps([*ROWS, {"i": 7}]))
    assert (tmp_path / "calls-t").read_text() == "all 7\nall 8\n"


def test_quarantined_rows_wait_for_a_retry(tmp_path: Path) -> None:
    def run(raise_at: list[int]) -> Result:
        steps = pipeline(tmp_path, ROWS)
        steps[3]["with"] = {"column": "c", "calls": str(tmp_path / "calls-c"), "raise_at": raise_at}
        return run_steps(tmp_path, steps)

    run([2, 5])
    all_calls(tmp_path)
    resumed = run([2, 5])
    assert (len(resumed.only), resumed.failures, calls(tmp_path, "c")) == (5, [], [])
    assert resumed.engine.quarantined == 2

    assert quarantine.empty(tmp_path / "quarantine.jsonl") == 2
    retried = run([2, 5])
    assert all_calls(tmp_path) == {"a": [], "b": [], "c": []}
    assert sorted(failure.row["i"] for failure in retried.failures) == [2, 5]


def test_a_torn_ledger_loses_only_what_was_torn(tmp_path: Path) -> None:
    first = run_steps(tmp_path, pipeline(tmp_path, ROWS))
    all_calls(tmp_path)
    for path in (tmp_path / "ledger").glob("c-*/*.seg"):
        path.write_bytes(path.read_bytes()[:-3])

    result = run_steps(tmp_path, pipeline(tmp_path, ROWS))

    assert all_calls(tmp_path) == {"a": [], "b": [], "c": EVERY}
    assert result.only == first.only


def test_another_run_can_lend_its_ledger(tmp_path: Path) -> None:
    run_steps(tmp_path / "first", pipeline(tmp_path, ROWS))
    all_calls(tmp_path)

    result = run_steps(tmp_path / "second", pipeline(tmp_path, ROWS, plus=1), reuse=(tmp_path / "first",))

    assert all_calls(tmp_path) == {"a": [], "b": EVERY, "c": EVERY}
    assert len(result.only) == 7
