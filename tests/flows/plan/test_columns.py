"""Columns on their way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.describing import LOAD, only, planned, problems_of


def test_a_missing_column_says_what_arrives_from_where_and_what_to_do() -> None:
    text = LOAD + "\n- {name: rate, use: UltraFeedback, after: answer}\n- {name: answer, use: TextGeneration, after: load}"

    problem = only(problems_of(text), "missing-column")

    assert problem.what == (
        "needs column 'generations'; it receives 'instruction' (from load), 'generation' (from answer), "
        "'model_name' (from answer)."
    )
    assert problem.fix == "add a GroupColumns step before it, with: {columns: [generation], output_columns: [generations]}"


def test_what_is_suggested_for_a_list_of_single_values_leaves_no_problem() -> None:
    group = "{name: group, use: GroupColumns, after: answer, with: {columns: [generation], output_columns: [generations]}}"
    text = f"{LOAD}\n- {{name: answer, use: TextGeneration, after: load}}\n- {group}"

    assert problems_of(text + "\n- {name: rate, use: UltraFeedback, after: group}") == []


def test_several_replies_of_one_step_are_to_be_kept_together_there() -> None:
    text = f"{LOAD}\n- {{name: answer, use: TextGeneration, after: load, with: {{num_generations: 2%s}}}}\n"
    rate = "- {name: rate, use: UltraFeedback, after: answer%s}"
    mapped = "input_mappings: {generations: generation}"

    apart = only(problems_of(text % "" + rate % ""), "missing-column")
    together = only(problems_of(text % ", group_generations: true" + rate % ""), "missing-column")

    assert apart.fix == f"set `group_generations: true` in step 'answer', and map it with {mapped}"
    assert together.fix.partition(", or")[0] == f"map it with {mapped}"
    assert problems_of(text % ", group_generations: true" + rate % f", {mapped}") == []


@pytest.mark.parametrize(
    ("step", "setting"),
    [
        ("FormatShareGPT", "source: instruction"),
        ("FormatOpenAIChat", "source: instruction"),
        ("'%s', with: {is_chat: true}", "is_chat: false"),
    ],
)
def test_a_parameter_is_named_with_which_the_columns_that_are_there_do(step: str, setting: str, own: dict[str, str]) -> None:
    text = f"{LOAD}\n- {{name: answer, use: TextGeneration, after: load}}\n- {{name: s, after: answer, use: {step}}}"

    problem = only(problems_of(text.replace("%s", own["Choosing"])), "missing-column")

    assert problem.fix == f"set `{setting}`"


def test_no_parameter_is_named_that_would_not_do() -> None:
    problem = only(problems_of(f"{LOAD}\n- {{name: s, use: FormatShareGPT, after: load}}"), "missing-column")

    assert "source" not in problem.fix


@pytest.mark.parametrize(
    ("row", "step", "fix"),
    [
        ("{prompt: [a], x: 1}", "TextGeneration", "map it with input_mappings: {instruction: ...}"),
        (
            "{instructions: [a]}",
            "TextGeneration",
            "add an ExpandColumns step before it, with: {columns: {instructions: instruction}}",
        ),
        ("{instruction: a, generation: b}", "UltraFeedback", "add a GroupColumns step before it"),
        ("{instruction: a, generationz: b}", "UltraFeedback", "add a step before it that makes it"),
        ("{instruction: a, answers: [b]}", "UltraFeedback", "map it with input_mappings: {generations: ...}"),
        ("{messages: [{role: user, content: a}]}", "UltraFeedback", "add a step before it that makes it"),
    ],
)
def test_no_column_is_suggested_for_one_that_holds_something_else(row: str, step: str, fix: str) -> None:
    text = f"- {{name: load, use: LoadDataFromDicts, with: {{data: [{row}]}}}}\n- {{name: s, use: {step}, after: load}}"

    assert problems_of(text)[-1].fix.startswith(fix), problems_of(text)


def test_a_step_that_makes_the_missing_column_is_named() -> None:
    problem = only(problems_of(LOAD + "\n- {name: f, use: FormatTextGenerationSFT, after: load}"), "missing-column")

    assert problem.fix == "map it with input_mappings: {generation: ...}, or add a TextGeneration step before it"


def test_every_step_that_lacks_a_column_is_told_and_none_is_pretended() -> None:
    text = """
    - {name: load, use: LoadDataFromDicts, with: {data: [{question: hi, topic: x}]}}
    - {name: b, use: TextGeneration, after: load}
    - {name: c, use: FormatTextGenerationSFT, after: b}
    """

    first, second = problems_of(text)

    assert (first.step, first.code, second.step, second.code) == ("b", "missing-column", "c", "missing-column")
    assert "'instruction' (from" not in second.what
    assert "'question' (from load)" in second.what
    fix = "name it so for all of 'b', 'c', in step 'load': output_mappings: {question: instruction}"
    assert (first.fix, second.fix) == (fix, fix)


def test_what_is_suggested_for_several_steps_leaves_no_problem() -> None:
    text = """
    - {name: load, use: LoadDataFromDicts, with: {data: [{question: hi}]}, output_mappings: {question: instruction}}
    - {name: b, use: TextGeneration, after: load}
    - {name: c, use: FormatTextGenerationSFT, after: b}
    """

    assert problems_of(text) == []


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        ("{question: hi}", "- {name: k, use: KeepColumns, after: load, with: {columns: [question]}}"),
        ("{x: 1, y: 2}", ""),
    ],
    ids=["needed-by-its-name", "nothing-alike"],
)
def test_no_other_name_at_the_source_is_suggested_where_it_would_not_help(rows: str, more: str) -> None:
    text = f"""
    - {{name: load, use: LoadDataFromDicts, with: {{data: [{rows}]}}}}
    - {{name: b, use: TextGeneration, after: load}}
    - {{name: c, use: TextGeneration, after: load}}
    {more}
    """

    assert {problem.fix.partition(":")[0] for problem in problems_of(text)} == {"map it with input_mappings"}


def test_a_source_that_renames_already_gets_the_whole_mapping() -> None:
    text = """
    - {name: load, use: LoadDataFromDicts, with: {data: [{q: hi}]}, output_mappings: {q: question}}
    - {name: b, use: TextGeneration, after: load}
    - {name: c, use: TextGeneration, after: load}
    """

    assert {problem.fix.rpartition("output_")[2] for problem in problems_of(text)} == {"mappings: {q: instruction}"}


@pytest.mark.parametrize(
    ("step", "fix"),
    [
        ("use: KeepColumns, with: {columns: [instructon]}", "write 'instruction' in `columns`"),
        ("use: KeepColumns, with: {columns: [zzz]}", "write a column that it receives in `columns`"),
        ("use: TruncateTextColumn, with: {column: instructon}", "write 'instruction' in `column`"),
        ("use: ExpandColumns, with: {columns: {instructon: x}}", "write 'instruction' in `columns`"),
        (
            "use: KeepColumns, with: {columns: [x]}, input_mappings: {x: instructon}",
            "map it with input_mappings: {x: instruction}",
        ),
        ("use: KeepColumns, with: {columns: [generation]}", "write a column that it receives in `columns`, or add a TextGen"),
    ],
)
def test_a_column_that_a_parameter_names_is_corrected_there(step: str, fix: str) -> None:
    problem = only(problems_of(f"{LOAD}\n- {{name: s, {step}, after: load}}"), "missing-column")

    assert problem.fix.startswith(fix)


def test_the_model_of_an_unknown_step_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    step = "- {name: s, use: TextGenration, after: load, with: {llm: {use: OpenAILLM, model: m, temprature: 1}}}"

    step_problem, model_problem = problems_of(f"{LOAD}\n{step}")

    assert (step_problem.code, model_problem.code) == ("unknown-step", "unknown-parameter")
    assert "'llm.temprature'" in model_problem.what


def test_a_row_that_cannot_be_read_is_a_problem_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\nnot json\n')
    load = f"- {{name: load, use: LoadDataFromFileSystem, with: {{data_files: '{tmp_path}/rows.jsonl'%s}}}}"

    problem = only(problems_of(load % ""), "bad-parameter")

    assert "rows.jsonl:2: this is not JSON" in problem.what
    assert problem.fix == "write one object per line, or one array of objects"
    assert problems_of(load % ", num_examples: 1") == []


def test_mapped_columns_go_by_the_names_of_the_pipeline() -> None:
    steps = planned(
        "- {name: load, use: LoadDataFromDicts, with: {data: [{question: hi}]}, output_mappings: {question: asked}}\n"
        "- {name: s, use: TextGeneration, after: load, input_mappings: {instruction: asked},"
        " output_mappings: {generation: reply}}"
    )

    assert steps["load"].sent == ["asked"]
    assert (steps["s"].received, steps["s"].sent) == (["asked"], ["asked", "reply", "model_name"])
    assert steps["s"].made_by == {"asked": "load", "reply": "s", "model_name": "s"}


@pytest.mark.parametrize(
    ("mapping", "code", "what"),
    [
        ("input_mappings: {instruction: instructon}", "missing-column", "needs column 'instructon'"),
        ("input_mappings: {system_prompt: system}", "unknown-column", "takes 'system' as 'system_prompt'"),
        ("output_mappings: {generatio: x}", "unknown-column", "Did you mean 'generation'?"),
        ("output_mappings: {generation: x, model_name: x}", "same-column", "gives the name 'x' to several columns"),
    ],
)
def test_a_mapping_that_leads_nowhere(mapping: str, code: str, what: str) -> None:
    problem = only(problems_of(f"{LOAD}\n- {{name: s, use: TextGeneration, after: load, {mapping}}}"), code)

    assert what in problem.what


def test_nothing_is_said_about_columns_that_are_only_known_when_it_runs(tmp_path: Path) -> None:
    text = """
    - {name: load, use: LoadDataFromHub, with: {repo_id: acme/toys}}
    - {name: s, use: KeepColumns, with: {columns: [anything]}, after: load}
    """

    assert problems_of(text) == []
