"""The scheduler: order, isolation, joins, routing, all-rows steps, replicas, dying workers, stopping."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.engine import crew
from flows.engine.engine import Engine
from steps.columns.keep_columns import KeepColumns
from steps.errors import RunError
from tests.flows.engine import own_steps
from tests.flows.engine.running import own, run_steps


def numbers(rows: int = 10, batch_size: int = 3) -> dict[str, Any]:
    return {"name": "load", "use": own("Numbers"), "with": {"rows": rows}, "batch_size": batch_size}


def add(name: str, after: str = "load", batch_size: int = 3, **params: Any) -> dict[str, Any]:
    return {"name": name, "use": own("Add"), "after": after, "with": {"column": name, **params}, "batch_size": batch_size}


both = pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])


@both
def test_rows_leave_in_the_order_of_the_source(tmp_path: Path, in_threads: bool) -> None:
    result = run_steps(tmp_path, [numbers(100), add("a"), add("b", after="a", plus=1)], in_threads=in_threads)

    assert result.only == [{"i": i, "a": i, "b": i + 1} for i in range(100)]


@both
def test_a_row_that_raises_is_set_aside_and_its_neighbours_go_on(tmp_path: Path, in_threads: bool) -> None:
    result = run_steps(tmp_path, [numbers(), add("a", raise_at=[4])], in_threads=in_threads)

    assert [row["i"] for row in result.only] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    [failure] = result.failures
    assert (failure.step, failure.row, failure.code) == ("a", {"i": 4}, "row-failed")
    assert "cannot add to 4" in failure.message


def test_a_missing_column_is_told_with_the_columns_that_are_there(tmp_path: Path) -> None:
    data = [{"i": 1}, {"j": 2}]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}

    result = run_steps(tmp_path, [load, add("a")])

    [failure] = result.failures
    assert (failure.code, len(result.only)) == ("missing-key", 1)
    assert "'i'" in failure.message
    assert "['j']" in failure.message


@both
def test_branches_meet_row_by_row(tmp_path: Path, in_threads: bool) -> None:
    group = {"name": "g", "use": "CombineOutputs", "after": ["a", "b", "c"]}
    steps = [numbers(50), add("a", sleep_s=0.002), add("b"), add("c"), group]

    result = run_steps(tmp_path, steps, in_threads=in_threads)

    assert result.only == [{"i": i, "a": i, "b": i, "c": i} for i in range(50)]


def test_a_row_that_failed_in_one_branch_is_not_joined(tmp_path: Path) -> None:
    group = {"name": "g", "use": "CombineOutputs", "after": ["a", "b"]}

    result = run_steps(tmp_path, [numbers(6), add("a", raise_at=[2]), add("b"), group])

    assert [row["i"] for row in result.only] == [0, 1, 3, 4, 5]
    assert len(result.failures) == 1


def test_a_step_that_is_no_join_gets_the_columns_of_all_branches(tmp_path: Path) -> None:
    keep = {"name": "k", "use": "KeepColumns", "after": ["a", "b"], "with": {"columns": ["a", "b"]}}

    result = run_steps(tmp_path, [numbers(3), add("a"), add("b", plus=5), keep])

    assert result.only == [{"a": i, "b": i + 5} for i in range(3)]


def test_branches_that_multiply_rows_meet_in_every_combination(tmp_path: Path) -> None:
    steps = [
        numbers(4),
        {"name": "t", "use": own("Twice"), "after": "load"},
        {"name": "o", "use": own("Odd"), "after": "load"},
        {"name": "g", "use": "CombineOutputs", "after": ["t", "o"]},
    ]

    result = run_steps(tmp_path, steps)

    assert [(row["i"], row["half"]) for row in result.only] == [(1, 0), (1, 1), (3, 0), (3, 1)]


def test_a_join_inside_a_join_matches_the_same_row(tmp_path: Path) -> None:
    steps = [
        numbers(20),
        add("a"),
        add("b"),
        {"name": "inner", "use": "CombineOutputs", "after": ["a", "b"]},
        add("c", sleep_s=0.001),
        {"name": "outer", "use": "CombineOutputs", "after": ["inner", "c"]},
    ]

    result = run_steps(tmp_path, steps)

    assert result.only == [{"i": i, "a": i, "b": i, "c": i} for i in range(20)]


def test_routing_sends_each_batch_to_some_steps_and_they_meet_again(tmp_path: Path) -> None:
    steps = [
        numbers(60, batch_size=5),
        add("a"),
        add("b"),
        add("c"),
        {"name": "g", "use": "GroupColumns", "after": ["a", "b", "c"], "with": {"columns": ["i"], "output_columns": ["is"]}},
    ]
    routing = {"load": {"use": "sample_n_steps", "with": {"n": 2}}}

    result = run_steps(tmp_path, steps, routing=routing)

    assert len(result.only) == 60
    assert all(len(row["is"]) == 2 for row in result.only)
    assert sum(result.counts[name].taken for name in "abc") == 120
    assert all(result.counts[name].taken % 5 == 0 for name in "abc")


def test_a_resumed_run_routes_as_before(tmp_path: Path) -> None:
    steps = [numbers(40, batch_size=5), add("a"), add("b"), {"name": "g", "use": "CombineOutputs", "after": ["a", "b"]}]
    routing = {"load": {"use": "sample_n_steps", "with": {"n": 1}}}

    first = run_steps(tmp_path, steps, routing=routing)
    again = run_steps(tmp_path, steps, routing=routing)

    assert again.only == first.only
    assert [again.counts[name].reused for name in "ab"] == [first.counts[name].taken for name in "ab"]


@both
def test_a_step_over_all_rows_gets_them_once(tmp_path: Path, in_threads: bool) -> None:
    calls = tmp_path / "calls"
    total = {"name": "t", "use": own("Total"), "after": "a", "with": {"calls": str(calls)}}

    steps = [numbers(30), add("a"), total, add("b", after="t")]
    result, again = (run_steps(tmp_path, steps, in_threads=in_threads) for _ in range(2))

    assert [row["total"] for row in result.only] == [435] * 30
    assert [row["i"] for row in result.only] == list(range(30))
    assert calls.read_text() == "all 30\n"
    assert again.only == result.only
    assert [(one.counts["t"].taken, one.counts["t"].reused) for one in (result, again)] == [(30, 0), (30, 30)]


@both
def test_several_steps_over_all_rows_after_one_step_each_get_them(tmp_path: Path, in_threads: bool) -> None:
    totals: list[dict[str, Any]] = [{"name": name, "use": own("Total"), "after": "load"} for name in "tu"]

    result = run_steps(tmp_path, [numbers(5), *totals], in_threads=in_threads)

    assert result.rows["t"] == result.rows["u"] == [{"i": i, "total": 10} for i in range(5)]


@both
def test_several_steps_over_all_rows_come_after_the_same_step(tmp_path: Path, in_threads: bool) -> None:
    totals = [{"name": name, "use": own("Total"), "after": "a"} for name in ("t", "u")]

    result = run_steps(tmp_path, [numbers(30), add("a"), *totals], in_threads=in_threads)

    assert result.rows["t"] == result.rows["u"]
    assert len(result.rows["t"]) == 30


def test_a_step_over_all_rows_gets_joined_rows_of_several_branches(tmp_path: Path) -> None:
    total = {"name": "t", "use": own("Total"), "after": ["a", "b"]}

    result = run_steps(tmp_path, [numbers(5), add("a"), add("b"), total])

    assert result.only == [{"i": i, "a": i, "b": i, "total": 10} for i in range(5)]


@both
def test_a_failing_step_over_all_rows_fails_the_run(tmp_path: Path, in_threads: bool) -> None:
    total = {"name": "t", "use": own("Total"), "after": "load", "with": {"fails": True}}

    with pytest.raises(RunError, match="no total today"):
        run_steps(tmp_path, [numbers(), total], in_threads=in_threads)


def test_a_step_that_drops_rows_without_saying_so_ends_the_run_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="changes_rows"):
        run_steps(tmp_path, [numbers(), {"name": "s", "use": own("Shrinks"), "after": "load"}])


@both
def test_whether_a_step_drops_rows_may_depend_on_a_parameter(tmp_path: Path, in_threads: bool) -> None:
    marks = [{"name": "m", "use": own("Marks"), "after": "load", "with": {"drop": drop}} for drop in (False, True)]

    kept = run_steps(tmp_path / "kept", [numbers(6), marks[0], add("a", after="m")], in_threads=in_threads)
    dropped = run_steps(tmp_path / "dropped", [numbers(6), marks[1], add("a", after="m")], in_threads=in_threads)

    assert [row["i"] for row in kept.only] == [0, 1, 2, 3, 4, 5]
    assert [(row["i"], row["odd"]) for row in dropped.only] == [(1, True), (3, True), (5, True)]


def test_rows_that_a_parameter_drops_are_missing_where_branches_meet(tmp_path: Path) -> None:
    marks = {"name": "m", "use": own("Marks"), "after": "load", "with": {"drop": True}}
    meet = {"name": "g", "use": "CombineOutputs", "after": ["a", "m"]}

    result = run_steps(tmp_path, [numbers(4), add("a"), marks, meet])

    assert result.only == [{"i": i, "a": i, "odd": True} for i in (1, 3)]


@pytest.mark.parametrize("drop", [False, True])
def test_a_filter_marks_rows_or_leaves_them_out(tmp_path: Path, drop: bool) -> None:
    data = [{"text": text} for text in ("one", "one", "three", "")]
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "length", "use": "FilterLength", "after": "load", "with": {"drop": drop}},
        {"name": "new", "use": "MinHashDedup", "after": "length", "with": {"drop": drop}},
    ]

    rows = run_steps(tmp_path, steps).only

    assert [row["text"] for row in rows] == (["one", "three"] if drop else ["one", "one", "three", ""])
    assert [row.get("keep_row_after_minhash_filtering") for row in rows] == ([None] * 2 if drop else [True, False, True, True])


def test_a_row_that_a_step_over_all_rows_cannot_use_is_named_by_its_number(tmp_path: Path) -> None:
    near = {"nn_indices": [1], "nn_scores": [0.97]}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [near, {**near, "nn_scores": ["far"]}]}}

    with pytest.raises(RunError, match=r"step 'new': row 2 of those that come here: column 'nn_scores' holds 'far'"):
        run_steps(tmp_path, [load, {"name": "new", "use": "EmbeddingDedup", "after": "load"}])


def test_every_leaf_has_rows_of_its_own(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbers(4), add("a"), add("b")])

    assert {name: len(rows) for name, rows in result.rows.items()} == {"a": 4, "b": 4}


def meeting(tmp_path: Path) -> dict[str, Any]:
    """Has the replicas of a step wait for each other: else one may be done before another has begun."""
    folder = tmp_path / "meet"
    folder.mkdir()
    return {"with": {"meet": str(folder)}}


def test_replicas_share_the_rows(tmp_path: Path) -> None:
    see = {"name": "s", "use": own("SeesDevices"), "after": "load", "batch_size": 2, "resources": {"replicas": 2}}

    result = run_steps(tmp_path, [numbers(40), see | meeting(tmp_path)], in_threads=False)

    assert len({row["pid"] for row in result.only}) == 2
    assert [row["i"] for row in result.only] == list(range(40))


def test_each_replica_on_the_gpu_pool_sees_only_its_own_device(tmp_path: Path) -> None:
    resources = {"gpus": 1, "replicas": 2}
    see = {"name": "s", "use": own("SeesDevices"), "after": "load", "pool": "gpu", "batch_size": 2, "resources": resources}

    result = run_steps(tmp_path, [numbers(40), see | meeting(tmp_path)], in_threads=False, devices=("0", "1"))

    seen = {(row["pid"], row["devices"]) for row in result.only}
    assert sorted(devices for _, devices in seen) == ["0", "1"]


def test_a_step_on_the_process_pool_sees_no_device(tmp_path: Path) -> None:
    see = {"name": "s", "use": own("SeesDevices"), "after": "load"}

    result = run_steps(tmp_path, [numbers(2), see], in_threads=False, devices=("0",))

    assert {row["devices"] for row in result.only} == {""}


def test_a_killed_worker_is_replaced_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    once = str(tmp_path / "killed")
    total = {"name": "b", "use": own("Add"), "after": "a", "with": {"column": "b", "kill_at": [17], "kill_once": once}}
    steps = [numbers(60), add("a"), {**total, "resources": {"replicas": 2}}]

    result = run_steps(tmp_path, steps, in_threads=False)

    assert [row["i"] for row in result.only] == list(range(60))
    assert ("b", "died") in result.workers


def test_a_killed_source_worker_goes_on_where_it_was(tmp_path: Path) -> None:
    steps = [numbers(60), add("a", kill_at=[31], kill_once=str(tmp_path / "killed"))]

    result = run_steps(tmp_path, steps, in_threads=False)

    assert [row["i"] for row in result.only] == list(range(60))


def test_a_row_that_kills_every_worker_goes_to_quarantine(tmp_path: Path) -> None:
    deadly = {**add("b", after="a", kill_at=[5]), "resources": {"replicas": 2}}

    result = run_steps(tmp_path, [numbers(12), add("a"), deadly], in_threads=False)

    assert [row["i"] for row in result.only] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert [failure.code for failure in result.failures] == ["worker-died"]


def test_a_stopped_run_keeps_what_is_finished(tmp_path: Path) -> None:
    async def stop_soon(engine: Engine) -> None:
        while engine.counts["a"].made < 6:
            await asyncio.sleep(0.01)
        engine.stop()

    result = run_steps(tmp_path, [numbers(1000), add("a", sleep_s=0.01)], during=stop_soon)

    assert 6 <= len(result.only) < 1000
    assert [row["i"] for row in result.only] == list(range(len(result.only)))


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    steps = [numbers(60), add("a", sleep_s=0.01, calls=str(calls))]

    async def stop_soon(engine: Engine) -> None:
        while engine.counts["a"].made < 6:
            await asyncio.sleep(0.01)
        engine.stop()

    run_steps(tmp_path, steps, during=stop_soon)
    result = run_steps(tmp_path, steps)

    assert [row["i"] for row in result.only] == list(range(60))
    assert sorted(map(int, calls.read_text().split())) == list(range(60))


def test_no_more_rows_are_taken_than_asked_for(tmp_path: Path) -> None:
    assert len(run_steps(tmp_path, [numbers(1000), add("a")], max_rows=7).only) == 7


def test_a_source_without_rows_gives_an_empty_result(tmp_path: Path) -> None:
    total = {"name": "t", "use": own("Total"), "after": "a"}

    assert run_steps(tmp_path, [numbers(0), add("a"), total]).only == []


def test_memory_stays_bounded_when_one_branch_is_slow(tmp_path: Path) -> None:
    waiting: list[int] = []

    async def watch(engine: Engine) -> None:
        while engine.counts["load"].made < 5000:
            waiting.append(max((len(station.queue) for station in engine.stations.values()), default=0))
            await asyncio.sleep(0.005)

    slow = add("slow", sleep_s=0.0005, batch_size=5)
    group = {"name": "g", "use": "CombineOutputs", "after": ["slow", "fast"]}
    result = run_steps(tmp_path, [numbers(5000, 5), slow, add("fast"), group], during=watch)

    assert len(result.only) == 5000
    assert max(waiting) < 500


def test_a_join_is_matched_by_what_every_row_of_its_branches_came_from(tmp_path: Path) -> None:
    twice_a = {"name": "a", "use": own("Twice"), "after": "load"}
    twice_b = {"name": "b", "use": own("Twice"), "after": "load"}
    steps = [
        numbers(6),
        twice_a,
        twice_b,
        add("p", after="a"),
        add("q", after="a"),
        {"name": "inner", "use": "CombineOutputs", "after": ["b", "p"]},
        {"name": "outer", "use": "CombineOutputs", "after": ["inner", "q"]},
    ]

    result = run_steps(tmp_path, steps)

    assert len(result.only) == 6 * 4 * 2
    assert all(row["i"] == row["p"] == row["q"] for row in result.only)


@both
@pytest.mark.parametrize("what", ["surrogate", "speechless"])
def test_an_error_that_cannot_be_written_down_costs_its_row(tmp_path: Path, in_threads: bool, what: str) -> None:
    raises = {"name": "a", "use": own("Raises"), "after": "load", "with": {"what": what}}

    result = run_steps(tmp_path, [numbers(), raises], in_threads=in_threads)

    assert [row["i"] for row in result.only] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    result.failures[0].message.encode()


@pytest.mark.parametrize("what", ["surrogate", "exit", "cancelled", "panic"])
def test_whatever_a_task_raises_costs_its_row(tmp_path: Path, what: str) -> None:
    raises = {"name": "a", "use": own("RaisesAsking"), "after": "load", "with": {"what": what}}

    result = run_steps(tmp_path, [numbers(), raises])

    assert [row["i"] for row in result.only] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert len(result.failures) == 1


def test_several_rows_that_kill_every_worker_all_go_to_quarantine(tmp_path: Path) -> None:
    killing = {**add("a", kill_at=[3, 4, 5]), "resources": {"replicas": 2}}

    result = run_steps(tmp_path, [numbers(), killing], in_threads=False)

    assert [row["i"] for row in result.only] == [0, 1, 2, 6, 7, 8, 9]
    assert {failure.code for failure in result.failures} == {"worker-died"}


def test_a_step_that_kills_its_worker_for_every_row_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "ROWS_BLAMED_IN_A_ROW", 1)
    killing = add("a", kill_at=list(range(50)), batch_size=1)

    with pytest.raises(RunError, match="died 4 times in a row"):
        run_steps(tmp_path, [numbers(50), killing], in_threads=False)


def test_a_row_of_a_failure_comes_out_of_its_worker_as_it_was(tmp_path: Path) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": 3, "$distilflow": ["bytes", "x"]}]}}
    raises = {"name": "a", "use": own("Raises"), "after": "load", "with": {"what": "speechless"}}

    result = run_steps(tmp_path, [load, raises], in_threads=False)

    assert result.failures[0].row == {"i": 3, "$distilflow": ["bytes", "x"]}


@both
def test_a_source_that_breaks_is_named_though_others_work_in_its_stage(tmp_path: Path, in_threads: bool) -> None:
    with pytest.raises(RunError, match=r"\] step 'load': ValueError: no more today"):
        run_steps(tmp_path, [{"name": "load", "use": own("Breaks")}, add("a")], in_threads=in_threads)


def test_a_step_that_changes_the_inside_of_its_rows_does_its_neighbours_no_harm(tmp_path: Path) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": i, "tags": []} for i in range(8)]}}
    tags = {"name": "t", "use": own("Tags"), "after": "load", "with": {"raise_at": [3]}}

    result = run_steps(tmp_path, [load, tags])

    assert [row["tags"] for row in result.only] == [["seen"]] * 7
    assert result.failures[0].row == {"i": 3, "tags": []}


def test_the_rows_made_of_one_row_share_nothing(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"notes": []}]}},
        {"name": "two", "use": own("Twice"), "after": "load"},
        {"name": "note", "use": own("Notes"), "after": "two"},
    ]
    assert [row["notes"] for row in run_steps(tmp_path, steps).only] == [[0], [1]]


@both
def test_a_step_that_leaves_the_program_costs_that_row(tmp_path: Path, in_threads: bool) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": i, "tags": []} for i in range(8)]}}
    tags = {"name": "t", "use": own("Tags"), "after": "load", "with": {"exit_at": [5]}}

    result = run_steps(tmp_path, [load, tags], in_threads=in_threads)

    assert [row["i"] for row in result.only] == [0, 1, 2, 3, 4, 6, 7]


def test_a_line_that_a_crash_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    steps = [numbers(6), add("a", raise_at=[2])]
    (tmp_path / "quarantine.jsonl").write_text('{"step": "a", "step_k')

    result = run_steps(tmp_path, steps)

    assert result.engine.quarantined == 1
    assert len((tmp_path / "quarantine.jsonl").read_text().splitlines()) == 2


def test_a_step_over_all_rows_gets_only_the_rows_that_are_routed_to_it(tmp_path: Path) -> None:
    total = {"name": "t", "use": own("Total"), "after": "load"}
    routing = {"load": {"use": "sample_n_steps", "with": {"n": 1}}}

    result = run_steps(tmp_path, [numbers(60, batch_size=5), add("a"), total], routing=routing)

    assert len(result.rows["a"]) + len(result.rows["t"]) == 60
    assert 0 < len(result.rows["t"]) < 60
    assert {row["i"] for row in result.rows["a"]}.isdisjoint(row["i"] for row in result.rows["t"])


def test_what_a_step_logs_in_its_worker_is_in_the_log_of_the_run(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbers(2), {"name": "say", "use": own("Remark"), "after": "load"}], in_threads=False)

    assert result.said == [("warning", "ready"), ("warning", "seen 0"), ("warning", "seen 1")]


def test_a_step_logs_by_its_module_and_class() -> None:
    step = own_steps.Remark()

    assert step._logger.name == "steps.tests.flows.engine.own_steps.Remark"
    assert KeepColumns(columns=["a"])._logger.name == "steps.columns.keep_columns.KeepColumns"
