from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.plan import PlannedStep, examine, plan
from flows.plan.graph import Graph
from flows.pools import Pools
from flows.spec import PipelineSpec, StepSpec, load_spec, read_spec
from steps.errors import PlanError, Problem
from tests.flows.describing import LOAD, SMALL, allow, chain, codes_of, problems_of

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.yaml"


@pytest.fixture(scope="module")
def own() -> Iterator[dict[str, str]]:
    """How pipelines name the steps of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLOW_STEP_MODULES", "")
        yield allow()


def only(problems: list[Problem], code: str) -> Problem:
    assert [problem.code for problem in problems] == [code], "\n".join(map(str, problems))
    return problems[0]


def planned(steps: str) -> dict[str, PlannedStep]:
    spec, problems = read_spec("steps:\n" + steps)
    return plan(spec, SMALL, problems).steps


# ---- the whole


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


# ---- graph


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


# ---- joins


def join(*branches: str, use: str = "CombineOutputs") -> str:
    return f"\n- {{name: join, use: {use}, after: [{', '.join(branches)}]}}"


def test_columns_of_branches_meet() -> None:
    answer = "- {name: %s, use: TextGeneration, after: load, output_mappings: {generation: %s, model_name: %s}}\n"
    steps = planned(LOAD + "\n" + answer % ("a", "x", "m") + answer % ("b", "y", "n") + join("a", "b"))

    assert steps["join"].sent == ["instruction", "x", "m", "y", "n"]
    assert {column: steps["join"].made_by[column] for column in "xy"} == {"x": "a", "y": "b"}


def test_a_step_that_joins_needs_its_columns_in_every_branch() -> None:
    text = f"""
    {LOAD}
    - {{name: a, use: TextGeneration, after: load}}
    - {{name: group, use: GroupColumns, with: {{columns: [generation]}}, after: [a, load]}}
    """

    problem = only(problems_of(text), "missing-column")

    assert "'generation' from every branch; 'load' sends none" in problem.what


def test_a_plain_step_after_several_needs_a_column_from_one_of_them() -> None:
    text = f"""
    {LOAD}
    - {{name: a, use: TextGeneration, after: load}}
    - {{name: keep, use: KeepColumns, with: {{columns: [generation, instruction]}}, after: [a, load]}}
    """

    assert problems_of(text) == []


def test_a_step_on_all_rows_inside_a_branch_cannot_be_joined(own: dict[str, str]) -> None:
    sort = f"\n- {{name: sort, use: '{own['SortRows']}', after: load}}"
    after = "\n- {name: after, use: KeepColumns, with: {columns: [instruction]}, after: sort}"

    problem = only(problems_of(LOAD + sort + after + join("after", "load")), "cannot-join")

    assert "'sort' works on all rows at once" in problem.what
    assert problem.fix == "put 'sort' before the branches part or after they meet"


def test_a_step_on_all_rows_before_the_branches_part_or_after_they_meet_is_fine(own: dict[str, str]) -> None:
    sort = "\n- {name: %s, use: '" + own["SortRows"] + "', after: %s}"
    branch = "\n- {name: branch, use: KeepColumns, with: {columns: [instruction]}, after: sort}"

    text = LOAD + sort % ("sort", "load") + branch + join("branch", "sort") + sort % ("end", "join")

    assert problems_of(text) == []


def test_only_the_step_that_parts_the_branches_is_named(own: dict[str, str]) -> None:
    sort = "\n- {name: %s, use: '" + own["SortRows"] + "', after: %s}"

    text = LOAD + sort % ("first", "load") + sort % ("second", "first") + join("first", "second")

    assert "'second' works on all rows" in only(problems_of(text), "cannot-join").what


def test_rows_of_separate_sources_are_matched_by_position() -> None:
    text = LOAD + LOAD.replace("load", "other").replace("-", "\n-", 1) + join("load", "other")
    text += "\n- {name: again, use: CombineOutputs, after: [join, load]}"

    assert problems_of(text) == []


def test_a_step_on_all_rows_between_a_source_and_another_ones_rows_cannot_be_joined(own: dict[str, str]) -> None:
    other = LOAD.replace("load", "other").replace("-", "\n-", 1)
    sort = f"\n- {{name: sort, use: '{own['SortRows']}', after: load}}"
    later = f"\n- {{name: later, use: '{own['SortRows']}', after: join}}"

    problem = only(problems_of(LOAD + other + sort + join("sort", "other") + later), "cannot-join")

    assert "'sort' works on all rows at once" in problem.what


# ---- steps and parameters


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
        ("use: UltraFeedback, with: {aspect: nice}", "bad-parameter", "'honesty' or", "choose one of those"),
        ("use: TextGeneration, with: {template: '{{ x'}", "bad-parameter", "template:", "change it under `with`"),
        ("use: TextGeneration, with: {pool: gpu}", "bad-parameter", "`pool` stands under `with`", "write `pool:` beside"),
        ("use: TextGeneration, with: {input_batch_size: 2}", "bad-parameter", "stands under", "write `batch_size:` beside"),
        ("use: TextGeneration, with: {llm: gpt}", "bad-parameter", "say which model", "name one with `use`: OpenAILLM"),
        ("use: TextGeneration, with: {llm: {use: OpenAILM}}", "bad-parameter", "Did you mean 'OpenAILLM'", "name one"),
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


def test_a_model_that_is_not_ready_is_told_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    text = LOAD + "\n- {name: s, use: TextGeneration, with: {llm: {use: OpenAILLM, model: x}}, after: load}"

    problem = only(problems_of(text), "model-not-ready")

    assert "OPENAI_API_KEY" in problem.what
    assert problem.fix == "set it: export OPENAI_API_KEY=...; or rehearse for free: --rehearse"


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


# ---- columns


def test_a_missing_column_says_what_arrives_from_where_and_what_to_do() -> None:
    text = LOAD + "\n- {name: rate, use: UltraFeedback, after: answer}\n- {name: answer, use: TextGeneration, after: load}"

    problem = only(problems_of(text), "missing-column")

    assert problem.what == (
        "needs column 'generations'; it receives 'instruction' (from load), 'generation' (from answer), "
        "'model_name' (from answer). Did you mean 'generation'?"
    )
    assert problem.fix == "map it with input_mappings: {generations: generation}"


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


# ---- places


@pytest.mark.parametrize(
    ("place", "code", "what"),
    [
        ("pool: procss", "unknown-pool", "there is no pool 'procss'. Did you mean 'process'?"),
        ("pool: async", "wrong-pool", "does not wait for a server"),
        ("pool: gpu, resources: {gpus: 3}", "no-such-resources", "asks for 3 GPU(s); this machine has 2"),
        ("pool: gpu, resources: {gpus: 1, replicas: 3}", "no-such-resources", "asks for 3 GPU(s)"),
        ("pool: gpu, resources: {replicas: 3}", "no-such-resources", "asks for 3 GPU(s)"),
        ("resources: {gpus: 1}", "no-such-resources", "only the pool gpu has devices"),
        ("resources: {cpus: 9}", "no-such-resources", "asks for 9 cores per replica; this machine has 4"),
        ("resources: {memory: 9000000000}", "no-such-resources", "asks for 9.0 GB; this machine has 8.0"),
        ("resources: {memory: 3000000000, replicas: 3}", "no-such-resources", "asks for 9.0 GB"),
    ],
)
def test_a_place_that_cannot_be_given(place: str, code: str, what: str) -> None:
    step = f"- {{name: s, use: KeepColumns, with: {{columns: [instruction]}}, after: load, {place}}}"

    assert what in only(problems_of(f"{LOAD}\n{step}"), code).what


def test_a_source_and_a_step_on_all_rows_have_no_replicas(own: dict[str, str]) -> None:
    text = LOAD[:-1] + ", resources: {replicas: 2}}" + f"\n- {{name: s, use: '{own['SortRows']}', after: load"

    found = problems_of(text + ", resources: {replicas: 2}}")

    assert [problem.what for problem in found] == [
        "2 replicas, but it makes all rows",
        "2 replicas, but it needs all rows at once",
    ]


def test_steps_that_ask_for_more_gpus_together_than_there_are_work_one_after_the_other() -> None:
    step = "\n- {name: %s, use: KeepColumns, with: {columns: [instruction]}, after: load, pool: gpu, resources: {gpus: %d}}"

    assert problems_of(LOAD + step % ("a", 2) + step % ("b", 1)) == []


def test_a_machine_without_a_gpu_says_so() -> None:
    text = LOAD + "\n- {name: s, use: KeepColumns, with: {columns: [instruction]}, after: load, pool: gpu}"

    problem = only(problems_of(text, Pools(cpus=1, memory=10**9)), "no-such-resources")

    assert (problem.what, "GPU" in problem.fix) == ("asks for 1 GPU(s); this machine has none", True)


# ---- routing

TWO = LOAD + "".join(f"\n- {{name: {name}, use: TextGeneration, after: load}}" for name in "ab")


@pytest.mark.parametrize(
    ("routing", "code", "what"),
    [
        ("load: {use: sample_n_step, with: {n: 1}}", "unknown-router", "Did you mean 'sample_n_steps'?"),
        ("load: {use: sample_n_steps}", "bad-routing", "sample_n_steps needs `n`"),
        ("load: {use: sample_n_steps, with: {n: 0}}", "bad-routing", "`n`: should be greater than or equal to 1; seen 0"),
        ("load: {use: sample_n_steps, with: {n: 1, m: 1}}", "bad-routing", "has no parameter 'm'"),
        ("load: {use: sample_n_steps, with: {n: 3}}", "bad-routing", "only 2 follow"),
        ("a: {use: sample_n_steps, with: {n: 1}}", "bad-routing", "there are none"),
        ("laod: {use: sample_n_steps, with: {n: 1}}", "unknown-step", "Did you mean 'load'?"),
        ("load: {with: {n: 1}}", "bad-value", "`routing.load.use`"),
    ],
)
def test_routing_that_cannot_be_followed(routing: str, code: str, what: str) -> None:
    assert what in only(problems_of(TWO, more=f"routing: {{{routing}}}"), code).what


def test_a_router_counts_steps_that_could_not_be_made() -> None:
    text = TWO.replace("name: b, use: TextGeneration", "name: b, use: TextGenration")

    assert codes_of(text, more="routing: {load: {use: sample_n_steps, with: {n: 2}}}") == [("b", "unknown-step")]


def test_a_router_that_is_no_router(own: dict[str, str]) -> None:
    found = problems_of(TWO, more=f"routing: {{load: {{use: '{own['SortRows']}'}}}}")

    assert "is not a router" in only(found, "unknown-router").what


# ---- size


def test_thousands_of_steps_are_planned_in_a_moment() -> None:
    spec = chain(*({"use": "TruncateTextColumn", "with": {"column": "instruction"}} for _ in range(5000)))
    started = time.process_time()

    made, problems = examine(spec, SMALL)

    assert (len(made.steps), problems) == (5001, [])
    assert time.process_time() - started < 5


def test_thousands_of_joins_are_planned_in_a_moment() -> None:
    joins = [{"use": "CombineOutputs", "after": ["load" if at < 2 else f"s{at - 2}", f"s{at - 1}"]} for at in range(1, 3000)]
    spec = chain({"use": "CombineOutputs"})
    steps = [StepSpec.model_validate({"name": f"s{at}", **step}) for at, step in enumerate(joins, 1)]
    started = time.process_time()

    _, problems = examine(spec.model_copy(update={"steps": [*spec.steps, *steps]}), SMALL)

    assert problems == []
    assert time.process_time() - started < 5


def test_of_thousands_of_problems_the_first_thousand_are_told() -> None:
    steps = [StepSpec(name=f"s{at}", use="KeepColumn", after=[f"x{at}"]) for at in range(3000)]
    started = time.process_time()

    _, problems = examine(PipelineSpec(steps=steps), SMALL)

    assert (len(problems), problems[-1].code) == (1001, "more-problems")
    assert time.process_time() - started < 10
    assert max(len(str(problem)) for problem in problems) < 1000


def test_what_takes_long_to_look_for_is_not_looked_for_when_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    look = Graph._all_before
    monkeypatch.setattr(Graph, "_all_before", lambda graph, name: looked.append(name) or look(graph, name))  # type: ignore[func-returns-value]

    _, problems = examine(chain(*({"use": "GenerateUntil", "with": {"num_rows": 1}} for _ in range(1000))), SMALL)

    assert len(problems) == 1001
    assert len(looked) < 100


def test_more_columns_than_anyone_needs_are_not_followed() -> None:
    columns = {f"column_{at}": 1 for at in range(20_000)}
    spec = chain(*({"use": "CombineOutputs"} for _ in range(100)))
    wide = spec.steps[0].model_copy(update={"params": {"data": [columns]}})
    started = time.process_time()

    made, problems = examine(spec.model_copy(update={"steps": [wide, *spec.steps[1:]]}), SMALL)

    assert (problems, made.steps["s0"].sent is None, made.steps["s99"].sent) == ([], False, None)
    assert time.process_time() - started < 10
