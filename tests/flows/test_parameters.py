from __future__ import annotations

from typing import Any

import pytest

from flows.plan import plan
from flows.spec import PipelineSpec, apply_parameters, parse_parameter, with_parameters
from steps.errors import PlanError, SpecError
from tests.flows.describing import SMALL, chain

LLM = {"use": "OpenAILLM", "model": "old", "generation_kwargs": {"temperature": 0.7, "top_p": 1}}
SPEC = chain({"name": "answer", "use": "TextGeneration", "with": {"llm": LLM, "columns": ["instruction"]}})


def params_with(parameters: dict[str, Any], spec: PipelineSpec = SPEC) -> dict[str, Any]:
    return with_parameters(spec, parameters).step("answer").params


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("512", 512), ("0.5", 0.5), ("true", True), ("no", "no"), ('"512"', "512"), ("'true'", "true"), ("null", None)),
        *(("", ""), ("[a, 1]", ["a", 1]), ("{a: 1}", {"a": 1}), ("a: 1\nb: 2", {"a": 1, "b": 2}), ("- a\n- b", ["a", "b"])),
        *(("two words", "two words"), ("*.jsonl", "*.jsonl"), ("@me", "@me"), ("%d", "%d"), ("#fff", "#fff"), ("a=b", "a=b")),
        *(("Say: a: b", "Say: a: b"), ("!x", "!x"), ("012", "012"), ("2024-01-01", "2024-01-01"), ("gpt-4o # new", "gpt-4o")),
    ],
)
def test_a_value_is_read_as_yaml_and_else_as_text(written: str, value: Any) -> None:
    path, read = parse_parameter(f"a.b.c={written}")

    assert (path, read, type(read)) == ("a.b.c", value, type(value))


@pytest.mark.parametrize("text", ["", "a", "a.b", "a=1", "=1", ".=1", "a.=1", ".b=1", "a..b=1"])
def test_what_is_no_parameter_is_told_the_form(text: str) -> None:
    with pytest.raises(SpecError, match=r"step\.parameter=value"):
        parse_parameter(text)


@pytest.mark.parametrize(
    ("text", "said"), [("a.b=[1", "not YAML"), ("a.b='x", "not YAML"), ("a.b={x: 1, x: 2}", "the key 'x' stands twice")]
)
def test_a_value_that_is_not_closed_is_named(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=f"--param a.b: .*{said}"):
        parse_parameter(text)


@pytest.mark.parametrize(
    "parameters",
    [
        {"answer.llm.generation_kwargs.temperature": 0},
        {"answer": {"llm": {"generation_kwargs": {"temperature": 0}}}},
        {"answer": {"llm.generation_kwargs.temperature": 0}},
    ],
    ids=["dotted", "nested", "mixed"],
)
def test_one_value_is_replaced_and_its_neighbours_stay(parameters: dict[str, Any]) -> None:
    assert params_with(parameters)["llm"] == {**LLM, "generation_kwargs": {"temperature": 0, "top_p": 1}}
    assert SPEC.step("answer").params["llm"] == LLM


@pytest.mark.parametrize(
    "parameters",
    [{"answer.llm": {"use": "RehearsalLLM"}}, {"answer": {"llm": {"use": "RehearsalLLM"}}}],
    ids=["dotted", "nested"],
)
def test_another_model_is_asked_in_the_same_way(parameters: dict[str, Any]) -> None:
    assert params_with(parameters)["llm"] == {"use": "RehearsalLLM", "generation_kwargs": LLM["generation_kwargs"]}


def test_another_model_may_bring_its_own_sampling() -> None:
    llm = {"use": "RehearsalLLM", "generation_kwargs": {"seed": 1}}

    assert params_with({"answer.llm": llm})["llm"] == llm


def test_a_place_is_set_beside_the_parameters() -> None:
    step = with_parameters(SPEC, {"answer.resources.replicas": 2, "answer.batch_size": 7, "answer.pool": "async"}).step(
        "answer"
    )

    assert (step.batch_size, step.pool, step.resources and step.resources.replicas) == (7, "async", 2)


def test_a_mapping_is_made_where_there_was_none() -> None:
    assert params_with({"answer.llm.extra.deep": 1})["llm"]["extra"] == {"deep": 1}


@pytest.mark.parametrize(
    ("parameters", "code", "what"),
    [
        ({"anser.llm.model": "x"}, "unknown-step", "there is no step 'anser'. Did you mean 'answer'?"),
        ({"answer.with.columns": "x"}, "bad-parameter", "'answer.with.columns' has `with` in it"),
        ({"answer": 5}, "bad-parameter", "'answer': is 5, not a mapping of parameters"),
        ({"answer.columns.0": "x"}, "bad-parameter", "`columns` is ['instruction'], which has no parameters in it"),
        ({"answer.llm.model.x": "x"}, "bad-parameter", "`llm.model` is 'old', which has no parameters in it"),
        ({"answer.name": "x"}, "bad-parameter", "`name` is part of the pipeline and no parameter"),
        ({"answer.llm": object()}, "bad-parameter", "a pipeline cannot hold a object"),
        ({"answer.seed": 2**64}, "bad-parameter", "does not fit 64 bits"),
        ({"answer.batch_size": 0}, "bad-value", "`batch_size`: should be greater than or equal to 1; seen 0"),
        ({"answer.resources.gpu": 1}, "bad-value", "`resources.gpu`"),
    ],
)
def test_a_parameter_that_leads_nowhere(parameters: dict[str, Any], code: str, what: str) -> None:
    with pytest.raises(PlanError) as caught:
        with_parameters(SPEC, parameters)

    [problem] = caught.value.problems
    assert (problem.code, what in problem.what, bool(problem.fix)) == (code, True, True), problem


def test_wrong_parameters_are_reported_with_the_other_problems_and_the_good_ones_are_used() -> None:
    given = {"anser.x": 1, "answer.num_generation": 2, "answer.columns": "instructon", "answer.template": "{{ instructon }}"}
    spec, known = apply_parameters(SPEC, {**given, "answer.llm": {"use": "RehearsalLLM"}})

    with pytest.raises(PlanError) as caught:
        plan(spec, SMALL, known)

    said = [(problem.code, problem.step) for problem in caught.value.problems]
    assert said == [("unknown-step", None), ("unknown-parameter", "answer"), ("missing-column", "answer")]
    assert "Did you mean 'num_generations'?" in caught.value.problems[1].what


def test_a_value_shared_by_two_steps_is_changed_in_one() -> None:
    shared = {"use": "RehearsalLLM", "generation_kwargs": {"seed": 1}}
    spec = chain(*({"name": name, "use": "TextGeneration", "with": {"llm": shared}} for name in ("answer", "other")))

    changed = with_parameters(spec, {"answer.llm.generation_kwargs.seed": 2})

    assert changed.step("other").params["llm"]["generation_kwargs"] == {"seed": 1}


def test_with_is_left_out_of_a_path() -> None:
    _, [problem] = apply_parameters(SPEC, {"answer.with.llm.model": "x"})

    assert problem.fix == "leave `with` out: answer.llm.model"
