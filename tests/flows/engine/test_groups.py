"""Load groups: steps that work one group after the other, and what they are made of where devices are short."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.engine.engine import Engine
from flows.engine.items import Item
from flows.engine.options import RunOptions
from flows.engine.spill import Spill
from flows.pipeline import Pipeline
from flows.plan import examine, plan
from flows.plan.grouping import SEQUENTIAL, by_devices, load_groups
from flows.pools import Pools
from flows.spec import spec_from
from steps.columns import KeepColumns
from steps.errors import PlanError
from steps.sources import LoadDataFromDicts
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands
from tests.flows.engine.running import Result, own, run_steps


def numbers(rows: int = 30) -> dict[str, Any]:
    return {"name": "load", "use": own("Numbers"), "with": {"rows": rows}, "batch_size": 5}


def add(name: str, after: str | list[str] = "load", **more: Any) -> dict[str, Any]:
    params = {"column": name, **more.pop("params", {})}
    return {"name": name, "use": own("Add"), "after": after, "with": params, "batch_size": 5, **more}


def on_gpu(name: str, after: str | list[str] = "load", gpus: int = 1, **params: Any) -> dict[str, Any]:
    return add(name, after, pool="gpu", resources={"gpus": gpus}, params=params)


def turns(result: Result, *steps: str) -> list[tuple[str, str]]:
    """When each of these steps started and ended."""
    return [(step, state) for step, state in result.workers if step in steps and state in ("started", "ended")]


def one_by_one(*steps: str) -> list[tuple[str, str]]:
    return [(step, state) for step in steps for state in ("started", "ended")]


def test_two_steps_that_need_the_only_gpu_work_one_after_the_other(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbers(300), on_gpu("a"), on_gpu("b", "a")], devices=("0",), in_threads=False)

    assert result.only == [{"i": i, "a": i, "b": i} for i in range(300)]
    assert turns(result, "a", "b") == one_by_one("a", "b")
    assert any("next load group begins: 'b'" in said for _, said in result.said)


def test_rows_of_a_branch_wait_on_disk_for_the_other_one(tmp_path: Path) -> None:
    join = {"name": "g", "use": "CombineOutputs", "after": ["a", "b"]}

    result = run_steps(tmp_path, [numbers(300), on_gpu("a"), on_gpu("b"), join], devices=("0",), in_threads=False)

    assert result.only == [{"i": i, "a": i, "b": i} for i in range(300)]
    assert turns(result, "a", "b") == one_by_one("a", "b")


def test_a_worker_that_dies_in_its_turn_is_replaced(tmp_path: Path) -> None:
    once = str(tmp_path / "killed")
    steps = [numbers(120), on_gpu("a"), on_gpu("b", "a", kill_at=[77], kill_once=once)]

    result = run_steps(tmp_path / "run", steps, devices=("0",), in_threads=False)

    assert result.only == [{"i": i, "a": i, "b": i} for i in range(120)]


def test_a_step_over_all_rows_waits_for_its_turn_too(tmp_path: Path) -> None:
    last = {"name": "all", "use": own("Shuffled"), "after": "b"}
    steps = [numbers(20), add("a"), add("b", "a"), add("c", "a")]

    result = run_steps(tmp_path, [*steps, last], load_groups=[["c"], ["all"]])

    assert sorted(row["i"] for row in result.rows["all"]) == list(range(20))
    assert turns(result, "c", "all") == one_by_one("c", "all")


def test_each_step_can_work_alone(tmp_path: Path) -> None:
    steps = [numbers(40), add("a", resources={"replicas": 2}), add("b", "a", resources={"replicas": 2})]

    result = run_steps(tmp_path, steps, load_groups=SEQUENTIAL)

    assert result.only == [{"i": i, "a": i, "b": i} for i in range(40)]
    assert [name for name, _ in turns(result, "load", "a", "b")] == ["load"] * 2 + ["a"] * 4 + ["b"] * 4


def test_a_run_that_is_stopped_in_its_second_group_goes_on_there(tmp_path: Path) -> None:
    steps = [numbers(200), add("a", resources={"replicas": 2}), add("b", "a", params={"sleep_s": 0.005})]
    groups = [["a"], ["b"]]

    async def stop_soon(engine: Engine) -> None:
        while engine.counts["b"].made < 20:
            await asyncio.sleep(0.005)
        engine.stop()

    run_steps(tmp_path, steps, during=stop_soon, load_groups=groups)
    done = run_steps(tmp_path, steps, load_groups=groups)

    assert done.only == [{"i": i, "a": i, "b": i} for i in range(200)]
    assert done.counts["a"].reused == 200
    assert done.counts["b"].reused >= 20


def planned(steps: list[dict[str, Any]], gpus: int = 0) -> Any:
    spec, problems = spec_from({"distilflow": 1, "steps": steps})
    assert not problems
    return plan(spec, Pools(devices=tuple(map(str, range(gpus)))))


def test_groups_are_made_only_where_devices_are_short() -> None:
    steps = [numbers(), on_gpu("a", gpus=2), on_gpu("b", "a"), on_gpu("c", "b"), on_gpu("d", "c", gpus=2)]

    assert by_devices(planned(steps, gpus=6)) == ()
    assert by_devices(planned(steps, gpus=3)) == (("a", "b"), ("c", "d"))
    assert by_devices(planned(steps, gpus=2)) == (("a",), ("b", "c"), ("d",))


@pytest.mark.parametrize(
    ("groups", "what"),
    [
        ([["a"], ["bb"]], "names 'bb', which does not exist"),
        ([["a", "b"], ["b"]], "'b' is in a load group already"),
        ([["b"], ["a"]], "'b' needs the rows of 'a', which is in a later load group"),
    ],
)
def test_groups_that_cannot_be_are_told(groups: list[list[str]], what: str) -> None:
    with pytest.raises(PlanError) as told:
        load_groups(planned([numbers(), add("a"), add("b", "a")]), groups)

    assert what in told.value.problems[0].what


def test_a_loop_cannot_go_through_groups() -> None:
    until = {"name": "until", "use": "GenerateUntil", "after": "b", "with": {"num_rows": 3}}
    spec, _ = spec_from({"distilflow": 1, "steps": [numbers(), on_gpu("a"), on_gpu("b", "a"), until]})

    [problem] = examine(spec, Pools(devices=("0",)))[1]

    assert problem.code == "cannot-repeat"
    assert "'a'" in problem.fix
    assert "'b'" in problem.fix


def test_steps_that_go_on_only_together_share_a_group_where_each_works_alone(tmp_path: Path) -> None:
    until = {"name": "until", "use": "GenerateUntil", "after": "b", "with": {"num_rows": 40}}
    loop = [{"name": "load", "use": "NumberedRows", "with": {"num_rows": 10, "column": "i"}}, add("a"), add("b", "a"), until]
    other = {"name": "other", "use": "NumberedRows", "with": {"num_rows": 200, "column": "j"}}
    join = {"name": "join", "use": "CombineOutputs", "after": ["a", "other"]}
    matched = [numbers(300), other, add("a"), join]

    assert load_groups(planned(loop), SEQUENTIAL) == (("load", "a", "b"), ("until",))
    assert load_groups(planned(matched), SEQUENTIAL) == (("load", "other"), ("a",), ("join",))
    assert len(run_steps(tmp_path / "loop", loop, load_groups=SEQUENTIAL).only) == 40
    assert len(run_steps(tmp_path / "matched", matched, load_groups=SEQUENTIAL).only) == 200


@pytest.mark.parametrize("groups", [[["load"], ["other"]], [["a"], ["other"]]])
def test_rows_are_not_matched_with_those_of_a_later_group(groups: list[list[str]]) -> None:
    join = {"name": "join", "use": "CombineOutputs", "after": ["a", "other"]}

    with pytest.raises(PlanError, match="last row of 'load', which goes on beside 'other' only, in a later load group"):
        load_groups(planned([numbers(), {**numbers(), "name": "other"}, add("a"), join]), groups)


UNTIL = {"name": "until", "use": "GenerateUntil", "after": "b", "with": {"num_rows": 40}}
JOIN = {"name": "join", "use": "CombineOutputs", "after": ["load", "other"]}


@pytest.mark.parametrize(
    "steps",
    [
        [numbers(), add("a"), add("b"), UNTIL],
        [
            numbers(),
            {"name": "a", "use": own("Total"), "after": "load"},
            {**numbers(), "name": "b"},
            {**JOIN, "after": ["load", "b"]},
        ],
        [numbers(), {**numbers(), "name": "other"}, add("a", "other"), JOIN, add("b"), UNTIL],
    ],
    ids=["beside-a-loop", "all-rows-of-a-matched-source", "matched-with-the-source-of-a-loop"],
)
def test_a_step_cannot_wait_for_the_end_of_a_source_that_waits_for_a_later_group(steps: list[dict[str, Any]]) -> None:
    with pytest.raises(
        PlanError, match=r"'a' needs the last row of '\w+', which goes on beside 'b' only, in a later load group"
    ):
        load_groups(planned(steps), [["a"], ["b"]])


def test_a_loop_and_a_source_matched_with_it_share_a_group_where_each_step_works_alone() -> None:
    steps = [{**numbers(), "name": "other"}, numbers(), add("b"), UNTIL, JOIN]

    assert load_groups(planned(steps), SEQUENTIAL) == (("other", "load", "b"), ("join",), ("until",))


def test_a_loop_whose_rows_a_router_chooses_may_end_in_a_later_group(tmp_path: Path) -> None:
    until = {**UNTIL, "after": "load", "with": {"num_rows": 5}}
    routing = {"load": {"use": "sample_n_steps", "with": {"n": 1}}}

    result = run_steps(tmp_path, [numbers(), add("a"), until], routing=routing, load_groups=[["load", "a"], ["until"]])

    assert len(result.rows["until"]) == 5


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        (["a,b", "c"], (("a", "b"), ("c",))),
        ([SEQUENTIAL], SEQUENTIAL),
        (SEQUENTIAL, SEQUENTIAL),
        ([["a"], ["b"]], (("a",), ("b",))),
    ],
)
def test_groups_are_written_as_in_python_or_on_the_command_line(given: Any, groups: Any) -> None:
    options = RunOptions(load_groups=given)

    assert options.load_groups == groups
    assert RunOptions.model_validate_json(options.model_dump_json()) == options


def test_python_takes_distilabels_argument(tmp_path: Path) -> None:
    with Pipeline("p") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"i": 1}, {"i": 2}])
        _ = load >> KeepColumns(name="keep", columns=["i"])

    assert len(pipeline.run(load_groups="sequential_step_execution", runs_dir=tmp_path)["default"]["train"]) == 2
    with pytest.raises(PlanError, match="does not exist"):
        pipeline.run(load_groups=[["kep"]], runs_dir=tmp_path)


def test_the_command_line_shows_groups_and_takes_them_with_prefect(tmp_path: Path) -> None:
    commands = Commands(tmp_path, DISTILFLOW_GPUS="0")
    file = commands.write([numbers(), on_gpu("a"), on_gpu("b", "a")])

    assert "One after the other: a; b." in commands("plan", file).out
    asked = commands("plan", file, "--load-groups", "load,a", "--load-groups", "b")
    assert "\nOne after the other: load, a; b." in asked.out
    odd = commands("plan", commands.write([numbers(), add("c", "nothing")], "odd.yaml"), "--load-groups", "bb")
    assert (odd.code, "names 'bb'" in odd.err, "'nothing'" in odd.err) == (2, True, True)
    wrong = commands("run", file, "--load-groups", "a", "--load-groups", "bb")
    assert (wrong.code, "names 'bb', which does not exist" in wrong.err) == (2, True)
    done = commands("run", file, "--run-id", "r", "--load-groups", "load,a", "--load-groups", "b")
    assert done.code == 0, done.err
    assert commands.rows() == [{"i": i, "a": i, "b": i} for i in range(30)]


def test_rows_on_disk_come_back_as_they_were(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    items = [Item(str(n), b"k" * 16, b'{"n":%d,"text":"%s"}' % (n, b"x" * (n * 1000 % 70_000))) for n in range(100)]

    put = [spill.put(item) for item in items]

    assert [spill.take(item) for item in reversed(put)] == items[::-1]
    assert all(len(item.body) < 20 for item in put)
    assert spill.take(items[3]) == items[3]
    assert list(tmp_path.iterdir()) == []
    spill.close()


# ---- beside loops and rows that are matched


def test_two_gpu_sources_that_are_matched_are_refused_on_one_gpu() -> None:
    join = {"name": "join", "use": "CombineOutputs", "after": ["load", "other"]}
    gpu = {"pool": "gpu", "resources": {"gpus": 1}}
    spec, _ = spec_from({"distilflow": 1, "steps": [{**numbers(), **gpu}, {**numbers(), **gpu, "name": "other"}, join]})

    assert {problem.code for problem in examine(spec, Pools(devices=("0",)))[1]} == {"bad-load-group"}


@pytest.mark.parametrize("groups", [[["a", "b"]], [["a"]]])
def test_groups_that_the_devices_do_not_do_for_are_refused(groups: list[list[str]]) -> None:
    with pytest.raises(PlanError, match=r"ask for 2 GPUs \('a' 1, 'b' 1\); there are 1"):
        load_groups(planned([numbers(), on_gpu("a"), on_gpu("b", "a")], gpus=1), groups)


def test_a_step_that_cannot_be_made_before_a_loop_is_told_as_such() -> None:
    until = {"name": "until", "use": "GenerateUntil", "after": "odd", "with": {"num_rows": 3}}
    spec, _ = spec_from({"distilflow": 1, "steps": [numbers(), {"name": "odd", "use": "Tyop", "after": "load"}, until]})

    assert {problem.code for problem in examine(spec)[1]} == {"unknown-step"}


def test_a_source_whose_loop_is_over_frees_the_rows_that_wait_for_it(tmp_path: Path) -> None:
    data = {"name": "i", "use": "NumberedRows", "with": {"num_rows": 1000, "column": "i"}}
    other = {"name": "j", "use": "NumberedRows", "with": {"num_rows": 15, "column": "j"}}
    until = {"name": "until", "use": "GenerateUntil", "after": "i", "with": {"num_rows": 10}}
    join = {"name": "join", "use": "CombineOutputs", "after": ["i", "j"]}

    result = run_steps(tmp_path, [data, other, until, join])

    assert [len(result.rows[name]) for name in ("until", "join")] == [10, 10]


def test_a_group_without_rows_ends_before_the_next_one_begins(tmp_path: Path) -> None:
    steps = [numbers(0), on_gpu("a"), on_gpu("b")]

    result = run_steps(tmp_path, steps, devices=("0",), in_threads=False)

    assert turns(result, "a", "b") == one_by_one("a", "b")


def test_what_was_paid_for_before_the_budget_ended_goes_through_the_groups_that_follow(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply="one two three"))
    data = [{"instruction": f"say {n}"} for n in range(3000)]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    with running(fake) as url:
        llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "max_concurrency": 4}
        ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}
        keep = {"name": "keep", "use": "KeepColumns", "after": "ask", "with": {"columns": ["generation"]}}

        result = run_steps(tmp_path, [load, ask, keep], load_groups=[["ask"], ["keep"]], max_tokens=400)

    assert result.engine.used_up is not None
    assert len(result.only) == result.counts["ask"].made > 0
