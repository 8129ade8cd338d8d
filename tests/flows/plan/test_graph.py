"""Which step comes after which."""

from __future__ import annotations

from flows.plan import examine
from flows.spec import PipelineSpec
from tests.flows.describing import LOAD, SMALL, only, problems_of


def test_a_pipeline_without_steps() -> None:
    assert only(examine(PipelineSpec(), SMALL)[1], "no-steps").fix.startswith("`distilflow new")


def test_two_steps_of_one_name() -> None:
    assert "taken by an earlier step" in only(problems_of(f"{LOAD}\n{LOAD}"), "duplicate-step").what


def test_a_step_after_one_that_does_not_exist() -> None:
    problem = only(problems_of(LOAD + "\n- {name: b, use: KeepColumns, with: {columns: [x]}, after: laod}"), "unknown-step")

    assert str(problem) == (
        "[unknown-step] step 'b': comes after 'laod', which does not exist. Did you mean 'load'?\n  Fix: the steps are load, b"
    )


def test_a_step_after_the_same_one_twice() -> None:
    text = LOAD + "\n- {name: b, use: KeepColumns, with: {columns: [instruction]}, after: [load, load]}"

    assert only(problems_of(text), "duplicate-edge").fix == "name it once"


def test_each_circle_is_shown_in_the_direction_of_the_rows() -> None:
    keep = "use: KeepColumns, with: {columns: [x]}"
    edges = ["ab", "bc", "ca", "xy", "yx", "ss", "za"]
    text = "\n".join([LOAD, *(f"- {{name: {edge[0]}, {keep}, after: {edge[1]}}}" for edge in edges)])

    found = problems_of(text)

    assert [problem.code for problem in found] == ["cycle"] * 3
    assert "'a' -> 'c' -> 'b' -> 'a'" in found[0].what
    assert "'x' -> 'y' -> 'x'" in found[1].what
    assert "'s' -> 's'" in found[2].what
    assert found[0].fix == "take 'a' out of its `after`"


def test_a_step_that_gets_no_rows() -> None:
    problem = only(problems_of(LOAD + "\n- {name: b, use: KeepColumns, with: {columns: [x]}}"), "unreachable-step")

    assert (problem.step, problem.fix) == ("b", "add `after: load`")


def test_a_pipeline_without_a_source() -> None:
    text = "- {name: a, use: CombineOutputs}\n- {name: b, use: CombineOutputs, after: a}"

    assert "LoadDataFromFileSystem" in only(problems_of(text), "no-source").fix


def test_a_source_after_a_step() -> None:
    text = LOAD + "\n- {name: more, use: LoadDataFromDicts, with: {data: [{a: 1}]}, after: load}"

    assert only(problems_of(text), "source-after-step").fix == "remove its `after`"
