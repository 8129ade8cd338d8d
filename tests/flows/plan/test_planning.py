"""A pipeline becomes a plan, or all its problems at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.plan import examine, plan
from flows.spec import PipelineSpec, load_spec, read_spec
from steps.errors import PlanError, Problem
from tests.flows.describing import LOAD, SMALL, codes_of, only, planned, problems_of

QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart.yaml"


def test_the_quickstart_has_no_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(QUICKSTART.parents[1])

    made = plan(load_spec(QUICKSTART), SMALL)

    assert (made.sources, made.leaves) == (["load"], ["keep"])
    assert set(made.llms) == {"answer_1", "answer_2", "answer_3", "judge"}


def test_steps_stand_after_those_they_need_whatever_their_order_in_the_file() -> None:
    keep = "{use: KeepColumns, with: {columns: [instruction]}"
    steps = planned(f"- {keep}, name: b, after: a}}\n- {keep}, name: a, after: load}}\n{LOAD}")

    assert list(steps) == ["load", "a", "b"]
    assert (steps["load"].next, steps["b"].after) == (["a"], ["a"])


def test_all_mistakes_are_reported_at_once_and_nothing_that_follows_from_them() -> None:
    text = """
    - {name: load, use: LoadDataFromDicts, with: {data: [{instruction: hi}]}, batch_size: 0}
    - {name: misspelt, use: TextGenration, after: load}
    - {name: behind, use: KeepColumns, with: {columns: [nothing]}, after: misspelt}
    - {name: lost, use: KeepColumns, with: {columns: [nothing]}, after: laod}
    - {name: model, use: TextGeneration, with: {llm: {use: OpenAILM, model: x}}, after: load}
    - {name: value, use: UltraFeedback, with: {aspect: nice}, after: load}
    - {name: typo, use: KeepColumns, with: {colums: [nothing]}, after: load}
    - {name: key, use: KeepColumns, with: {columns: [nothing]}, aftr: load}
    - {name: pool, use: KeepColumns, with: {columns: [instruction]}, after: load, pool: procss}
    - {name: column, use: TruncateTextColumn, with: {column: instructon}, after: load}
    - {name: after_column, use: KeepColumns, with: {columns: [instructon]}, after: column}
    - {name: a, use: KeepColumns, with: {columns: [x]}, after: b}
    - {name: b, use: KeepColumns, with: {columns: [x]}, after: a}
    - {name: behind_circle, use: KeepColumns, with: {columns: [x]}, after: b}
    - {name: bad name, use: KeepColumns, with: {columns: [instruction]}, after: load}
    - {name: behind_name, use: KeepColumns, with: {columns: [instruction]}, after: bad name}
    - {name: no_use, after: load}
    - {name: behind_no_use, use: KeepColumns, with: {columns: [x]}, after: no_use}
    - load
    """

    assert codes_of(text, more="routing: {nobody: {use: sample_n_steps, with: {n: 1}}}") == [
        ("load", "bad-value"),
        ("key", "unknown-key"),
        ("bad name", "bad-value"),
        ("no_use", "missing-use"),
        (None, "bad-step"),
        ("lost", "unknown-step"),
        ("b", "cycle"),
        ("misspelt", "unknown-step"),
        ("model", "bad-parameter"),
        ("value", "bad-parameter"),
        ("typo", "unknown-parameter"),
        ("value", "missing-column"),
        ("pool", "unknown-pool"),
        ("column", "missing-column"),
        ("after_column", "missing-column"),
        (None, "unknown-step"),
    ]


def test_problems_of_the_file_come_first_and_each_once() -> None:
    known = Problem("unknown-key", "pipeline", "has no key 'x'.")

    with pytest.raises(PlanError) as caught:
        plan(PipelineSpec(), SMALL, [known, known])

    assert [problem.code for problem in caught.value.problems] == ["unknown-key", "no-steps"]


def test_every_problem_says_what_to_do() -> None:
    text = f"""
    {LOAD}
    - {{name: load, use: KeepColumns, after: nowhere, with: {{columns: 1}}}}
    - {{name: a, use: TextGeneration, with: {{llm: {{use: OpenAILLM}}, template: "{{{{ x }}"}}}}
    - {{name: b, use: UltraFeedback, after: load, pool: async, with: {{pool: gpu}}}}
    """

    for problem in problems_of(text, more="routing: {a: {use: nothing}, load: {use: sample_n_steps}}"):
        assert problem.what
        assert problem.fix, problem


@pytest.mark.parametrize(
    ("wrong", "codes"),
    [
        ("llm: {use: OpenAILM}", ["bad-parameter", "missing-column"]),
        ("num_generation: 2", ["unknown-parameter", "missing-column"]),
        ("max_repairs: -1, columns: [nothing]", ["bad-parameter", "missing-column"]),
        (
            "num_generations: 0, llm: {use: OpenAILLM, model: m, api_key: sk-hidden}",
            ["bad-parameter", "secret-in-pipeline", "missing-column"],
        ),
    ],
)
def test_a_wrong_parameter_hides_no_missing_column(wrong: str, codes: list[str]) -> None:
    text = f"""
    - {{name: load, use: LoadDataFromDicts, with: {{data: [{{a: hi, b: 1}}]}}}}
    - {{name: s, use: TextGeneration, after: load, with: {{{wrong}}}}}
    """

    assert [problem.code for problem in problems_of(text)] == codes


def test_a_missing_parameter_hides_no_missing_column_at_the_step_or_after_it() -> None:
    text = """
    - {name: load, use: LoadDataFromDicts, with: {data: [{a: hi, b: 1}]}}
    - {name: s, use: UltraFeedback, after: load, with: {llm: {use: OpenAILLM}}}
    - {name: t, use: TruncateTextColumn, after: s, with: {column: ratins}}
    """

    found = problems_of(text)

    assert [(problem.step, problem.code) for problem in found] == [
        *[("s", "missing-parameter"), ("s", "missing-column"), ("s", "missing-column"), ("t", "missing-column")],
    ]
    assert found[-1].what.endswith("'ratings' (from s), 'rationales' (from s), 'model_name' (from s). Did you mean 'ratings'?")


def test_a_mapping_in_the_wrong_place_hides_no_column_and_makes_none_missing() -> None:
    step = "{name: s, use: TextGeneration, after: load, with: {input_mappings: {instruction: a}}}"
    text = f"- {{name: load, use: LoadDataFromDicts, with: {{data: [{{a: hi}}]}}}}\n- {step}"

    assert "stands under `with`" in only(problems_of(text), "bad-parameter").what


@pytest.mark.parametrize("wrong", ["columns: 5", "colums: [a]", "prompt: '{{ a }}'"])
def test_nothing_is_said_of_columns_that_the_wrong_parameter_might_decide_over(wrong: str) -> None:
    text = f"""
    - {{name: load, use: LoadDataFromDicts, with: {{data: [{{a: hi, b: 1}}]}}}}
    - {{name: s, use: TextGeneration, after: load, with: {{{wrong}}}}}
    - {{name: t, use: KeepColumns, after: s, with: {{columns: [nothing]}}}}
    """

    assert {problem.step for problem in problems_of(text)} == {"s"}
    assert "missing-column" not in {problem.code for problem in problems_of(text)}


def test_a_step_that_cannot_be_made_is_in_no_plan_and_its_pool_is_looked_at() -> None:
    spec, _ = read_spec(
        f"steps:\n{LOAD}\n- {{name: s, use: TextGeneration, after: load, pool: gppu, with: {{num_generations: 0}}}}"
    )

    found, problems = examine(spec, SMALL)

    assert [problem.code for problem in problems] == ["bad-parameter", "unknown-pool"]
    assert (list(found.steps), found.steps["load"].next) == (["load"], [])
