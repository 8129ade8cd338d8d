"""Steps and their parameters."""

from __future__ import annotations

import pytest

from tests.flows.describing import LOAD, only, problems_of


@pytest.mark.parametrize(
    ("step", "code", "what", "fix"),
    [
        ("use: TextGenration", "unknown-step", "Did you mean 'TextGeneration'", "`distilflow steps` lists what there is"),
        ("use: 'os:system'", "unknown-step", "module that is not allowed here", "if you trust it"),
        ("use: KeepColumns", "missing-parameter", "needs `columns` (Columns to keep)", "add `columns: ...` under `with`"),
        ("use: KeepColumns, with: {colums: [a]}", "unknown-parameter", "Did you mean 'columns'?", "known: columns"),
        ("use: KeepColumns, with: {columns: 5}", "bad-parameter", "`columns`: should be a list; seen 5", "write a list"),
        ("use: TextGeneration, with: {columns: 5}", "bad-parameter", "text or a list; seen 5", "write one of those"),
        (
            "use: TextGeneration, with: {num_generations: 0}",
            "bad-parameter",
            "`num_generations`: should be greater than or equal to 1; seen 0",
            "choose a larger number",
        ),
        (
            "use: MinHashDedup, with: {tokenizer: nice}, input_mappings: {text: instruction}",
            "bad-parameter",
            "'words' or",
            "choose one of those",
        ),
        ("use: TextGeneration, with: {template: '{{ x'}", "bad-parameter", "template:", "change it under `with`"),
        ("use: TextGeneration, with: {pool: gpu}", "bad-parameter", "`pool` stands under `with`", "write `pool:` beside"),
        ("use: TextGeneration, with: {input_batch_size: 2}", "bad-parameter", "stands under", "write `batch_size:` beside"),
        (
            "use: TextGeneration, with: {llm: gpt}",
            "bad-parameter",
            "`llm`: say which model it is, with `use`; seen 'gpt'",
            "write `llm: {use: OpenAILLM, model: ...}`; there are ",
        ),
        (
            "use: TextGeneration, with: {llm: ReplayLLM}",
            "bad-parameter",
            "seen 'ReplayLLM'",
            "write `llm: {use: ReplayLLM, path: ...}`",
        ),
        (
            "use: TextGeneration, with: {llm: {model: x}}",
            "bad-parameter",
            "`llm`: say which model it is, with `use`; it has ['model']",
            "write `llm: {use: OpenAILLM, model: ...}`",
        ),
        ("use: TextGeneration, with: {llm: {use: OpenAILM}}", "bad-parameter", "Did you mean 'OpenAILLM'", "write `llm: {use"),
        (
            "use: TextGeneration, with: {llm: {use: RehearsalLLM, max_new_tokens: 9}}",
            "unknown-parameter",
            "no parameter 'llm.max_new_tokens'.",
            "put it in generation_kwargs, as `llm: {generation_kwargs: {max_new_tokens: ...}}`",
        ),
        (
            "use: TextGeneration, with: {temperature: 1}",
            "unknown-parameter",
            "no parameter 'temperature'.",
            "put it in generation_kwargs, as `llm: {generation_kwargs: {temperature: ...}}`",
        ),
        (
            "use: ImageGeneration, input_mappings: {prompt: instruction}, with: {save_artifacts: true}",
            "unknown-parameter",
            "no parameter 'save_artifacts'.",
            "leave it out: rows hold the pictures themselves",
        ),
        (
            "use: TextGeneration, with: {llm: {use: OpenAILLM}}",
            "missing-parameter",
            "needs `llm.model`",
            "add `model: ...` under `with`, `llm`",
        ),
        (
            "use: TextGeneration, with: {llm: {use: OpenAILLM, modle: x}}",
            "unknown-parameter",
            "no parameter 'llm.modle'. Did you mean 'model'?",
            "known: api_key",
        ),
        (
            "use: TextGeneration, with: {num_generations: x}",
            "bad-parameter",
            "should be a whole number",
            "write a whole number",
        ),
        ("use: CombineOutputs, batch_size: 5", "bad-parameter", "no `batch_size`", "remove `batch_size`"),
    ],
)
def test_a_step_that_cannot_be_made(step: str, code: str, what: str, fix: str) -> None:
    problem = only(problems_of(f"{LOAD}\n- {{name: s, {step}, after: load}}"), code)

    assert what in problem.what
    assert problem.fix.startswith(fix)


def test_a_model_class_of_distilabel_that_is_not_here_is_told_with_what_to_take_instead() -> None:
    text = LOAD + "\n- {name: s, use: TextGeneration, with: {llm: {use: AsyncLLM, model: x}}, after: load}"

    problem = only(problems_of(text), "bad-parameter")

    assert problem.what == "`llm`: distilabel's class 'AsyncLLM' is not here"
    assert "`LLM`" in problem.fix


def test_where_it_is_known_what_to_do_no_other_name_is_suggested() -> None:
    model = "{use: OpenAILLM, model: m, base_url: 'http://localhost:1/v1', tokenizer_id: x, max_new_tokens: 9}"
    problems = problems_of(f"{LOAD}\n- {{name: s, use: TextGeneration, after: load, with: {{llm: {model}}}}}")

    assert sorted(problem.what for problem in problems) == [
        "TextGeneration has no parameter 'llm.max_new_tokens'.",
        "TextGeneration has no parameter 'llm.tokenizer_id'.",
    ]


def test_a_model_that_is_not_ready_is_told_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    text = LOAD + "\n- {name: s, use: TextGeneration, with: {llm: {use: OpenAILLM, model: x}}, after: load}"

    problem = only(problems_of(text), "model-not-ready")

    assert "OPENAI_API_KEY" in problem.what
    assert problem.fix == "set it: export OPENAI_API_KEY=...; or rehearse for free: --rehearse, in Python run(rehearse=True)"


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("api_key: sk-hidden", "llm.api_key"),
        ("api_key: [sk-hidden]", "llm.api_key"),
        ("api_key: ['${PATH}', sk-hidden]", "llm.api_key"),
        ("default_headers: {X-Api-Key: sk-hidden}", "llm.default_headers.X-Api-Key"),
    ],
)
def test_a_key_in_the_pipeline_is_refused_and_not_shown(field: str, path: str) -> None:
    model = f"{{use: OpenAILLM, model: x, base_url: 'http://localhost:1/v1', {field}}}"

    problem = only(
        problems_of(LOAD + f"\n- {{name: s, use: TextGeneration, with: {{llm: {model}}}, after: load}}"), "secret-in-pipeline"
    )

    assert f"`{path}`" in problem.what
    assert "sk-hidden" not in str(problem)


@pytest.mark.parametrize(
    "field", ["api_key: [sk-hidden]", "api_key: {a: sk-hidden}", "default_headers: [sk-hidden]", "x: sk-hidden"]
)
def test_a_key_of_the_wrong_form_is_not_shown(field: str) -> None:
    model = f"{{use: OpenAILLM, model: x, base_url: 'http://localhost:1/v1', {field}}}"
    text = LOAD + f"\n- {{name: s, use: TextGeneration, with: {{llm: {model}}}, after: load}}"

    assert "sk-hidden" not in "\n".join(map(str, problems_of(text)))


def test_a_class_that_raises_is_a_problem_of_its_step(own: dict[str, str]) -> None:
    problem = only(problems_of(f"{LOAD}\n- {{name: s, use: '{own['Fragile']}', after: load}}"), "bad-parameter")

    assert "ZeroDivisionError: no columns today" in problem.what
