from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.distiset import Distiset
from flows.pipeline import Pipeline
from flows.runs import RunFolder
from flows.spec import RouterSpec, read_spec
from steps.columns.combine_outputs import CombineOutputs
from steps.columns.keep_columns import KeepColumns
from steps.columns.truncate_text_column import TruncateTextColumn
from steps.errors import PlanError, SpecError
from steps.filters import GenerateUntil
from steps.llms.openai_llm import OpenAILLM
from steps.llms.rehearsal_llm import RehearsalLLM
from steps.routers import sample_n_steps
from steps.sinks import PushToHub
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.tasks.text_generation import TextGeneration
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running
from tests.flows.describing import SortRows
from tests.flows.paid_runs import pipeline as asking

ROWS = [{"instruction": "no"}, {"instruction": "012"}, {"instruction": "a\nb \n😀", "n": 1, "deep": {"x": [None, 1.5, True]}}]


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "")


def rich_pipeline() -> Pipeline:
    """One with routing, lists, inline data, mappings, places and a key."""
    key = OpenAILLM(model="m", base_url="http://localhost:1/v1", api_key="${MY_KEY}", generation_kwargs={"stop": ["\n", "no"]})
    with Pipeline("rich", description="All that there is: é 😀") as pipeline:
        load = LoadDataFromDicts(data=ROWS, batch_size=2)
        a = TextGeneration(name="a", llm=key, columns=["instruction"], output_mappings={"generation": "x"})
        b = TextGeneration(name="b", llm=RehearsalLLM(seed=3), input_batch_size=5, resources={"replicas": 2})
        c = TruncateTextColumn(name="c", column="text", max_length=3, input_mappings={"text": "instruction"}, pool="process")
        (
            load
            >> sample_n_steps(2)
            >> [a, b, c]
            >> CombineOutputs()
            >> SortRows(name="sort")
            >> KeepColumns(columns=["instruction"])
        )
    return pipeline


def test_python_becomes_a_spec() -> None:
    spec = rich_pipeline().spec

    assert spec.names() == ["load_data_from_dicts_0", "a", "b", "c", "combine_outputs_0", "sort", "keep_columns_0"]
    assert spec.step("combine_outputs_0").after == ["a", "b", "c"]
    assert spec.routing == {"load_data_from_dicts_0": RouterSpec(use="sample_n_steps", params={"n": 2})}
    assert (spec.steps[0].batch_size, spec.step("b").batch_size, spec.steps[0].params) == (2, 5, {"data": ROWS})
    assert spec.step("c").input_mappings == {"text": "instruction"}


def test_python_to_yaml_and_back_is_exact(tmp_path: Path) -> None:
    pipeline = rich_pipeline()
    pipeline.save(tmp_path / "p.yaml")

    assert read_spec(pipeline.to_yaml()) == (pipeline.spec, [])
    assert Pipeline.from_file(tmp_path / "p.yaml").spec == pipeline.spec
    assert Pipeline.from_file(tmp_path / "p.yaml").to_yaml() == pipeline.to_yaml()


def test_what_is_read_back_makes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    pipeline = rich_pipeline()
    spec, _ = read_spec(pipeline.to_yaml())

    made, again = pipeline.plan(), Pipeline.from_spec(spec).plan()

    assert {name: step.step for name, step in made.steps.items()} == {name: step.step for name, step in again.steps.items()}
    assert made.routers == again.routers


def test_a_reference_to_a_key_stays_and_the_key_itself_goes_nowhere() -> None:
    with Pipeline() as pipeline:
        LoadDataFromDicts(data=ROWS) >> [
            TextGeneration(llm=OpenAILLM(model="m", api_key="${MY_KEY}", default_headers={"X-Key": "${OTHER}"})),
            TextGeneration(
                llm=OpenAILLM(model="m", api_key="sk-secret", default_headers={"X-Key": "sk-secret", "X-Team": "t"})
            ),
        ]

    text = pipeline.to_yaml()

    assert ("${MY_KEY}" in text, "${OTHER}" in text, "X-Team: t" in text, "sk-secret" in text) == (True, True, True, False)
    assert "sk-secret" not in repr(pipeline.spec)


def test_a_key_in_python_is_a_problem_that_says_how_to_write_it_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Pipeline() as pipeline:
        load = LoadDataFromDicts(data=ROWS)
        asks = [
            TextGeneration(name="one", llm=OpenAILLM(model="m", api_key="sk-hidden")),
            TextGeneration(name="many", llm=OpenAILLM(model="m", api_key=["${PATH}", "sk-hidden"])),
            TextGeneration(name="head", llm=OpenAILLM(model="m", api_key="${PATH}", default_headers={"X-Key": "sk-hidden"})),
        ]
        _ = load >> asks
        _ = load >> PushToHub(name="push", repo_id="a/b", token="hf-hidden")

    with pytest.raises(PlanError) as caught:
        pipeline.plan()

    problems = [one for one in caught.value.problems if one.code == "secret-in-pipeline"]
    assert [one.step for one in problems] == ["one", "many", "head", "push"]
    assert {one.step for one in caught.value.problems if one.code == "model-not-ready"} <= {None}
    assert 'in Python api_key="${NAME}"' in problems[0].fix
    assert 'in Python default_headers={"X-Key": "${NAME}"}' in problems[2].fix
    assert "hidden" not in str(caught.value)


def test_a_load_group_may_list_steps(tmp_path: Path) -> None:
    with Pipeline() as pipeline:
        load = LoadDataFromDicts(data=ROWS)
        first, second = KeepColumns(columns=["instruction"]), TruncateTextColumn(column="instruction")
        _ = load >> first >> second

    pipeline.run(load_groups=[[load, first], ["truncate_text_column_0"]], runs_dir=tmp_path, run_id="r")

    groups = RunFolder(tmp_path / "r").report().options.load_groups
    assert groups == (("load_data_from_dicts_0", "keep_columns_0"), ("truncate_text_column_0",))


def test_an_argument_of_the_wrong_kind_is_told_in_words() -> None:
    with pytest.raises(PlanError, match="`load_groups"):
        rich_pipeline().run(load_groups=[[1]])  # type: ignore[list-item]
    with pytest.raises(PlanError, match="`max_rows`: should be greater than or equal to 1; seen 0"):
        rich_pipeline().run(max_rows=0)


def test_load_groups_are_told_with_the_other_problems() -> None:
    with Pipeline() as pipeline:
        _ = LoadDataFromDicts(data=ROWS) >> KeepColumns(name="keep", columns=["nothing"])

    with pytest.raises(PlanError) as caught:
        pipeline.run(load_groups=[["kep"]])

    assert [(one.code, "kep" in one.what) for one in caught.value.problems] == [
        ("missing-column", False),
        ("unknown-step", True),
    ]


def test_names_are_made_and_do_not_collide() -> None:
    with Pipeline() as pipeline:
        for name in (None, "keep_columns_2", None, None):
            KeepColumns(columns=["a"], name=name)

    assert pipeline.spec.names() == ["keep_columns_0", "keep_columns_2", "keep_columns_1", "keep_columns_3"]


def test_a_step_of_another_block_cannot_be_connected() -> None:
    with Pipeline():
        foreign = KeepColumns(columns=["a"], name="foreign")
    with Pipeline(), pytest.raises(ValueError, match="'foreign' was not made inside"):
        LoadDataFromDicts(data=ROWS) >> foreign


def test_steps_connected_twice_are_connected_once() -> None:
    with Pipeline() as pipeline:
        load, keep = LoadDataFromDicts(data=ROWS), KeepColumns(columns=["instruction"], name="keep")
        load >> keep
        load >> keep

    assert pipeline.spec.step("keep").after == ["load_data_from_dicts_0"]


def test_a_block_that_fails_is_closed() -> None:
    with pytest.raises(ZeroDivisionError), Pipeline() as pipeline:
        raise ZeroDivisionError
    KeepColumns(columns=["a"])

    assert pipeline.spec.steps == []


def test_a_class_inside_a_function_is_told_where_to_stand() -> None:
    class Inner(KeepColumns):
        pass

    with Pipeline() as pipeline:
        LoadDataFromDicts(data=ROWS) >> Inner(columns=["instruction"])

    with pytest.raises(PlanError, match="write the class at the top of the file"):
        pipeline.plan()


@pytest.mark.parametrize(
    ("pipeline", "steps", "where"),
    [("two words", ["a"], ["pipeline"]), ("a", ["two words", "b", "c d"], ["step 'two words'", "step 'c d'"])],
    ids=["pipeline", "steps"],
)
def test_a_name_that_no_file_can_hold_is_refused_with_whose_it_is(pipeline: str, steps: list[str], where: list[str]) -> None:
    with Pipeline(pipeline) as written:
        for step in steps:
            LoadDataFromDicts(data=ROWS, name=step)

    with pytest.raises(PlanError, match=r"`name`: may hold letters, .*; seen 'two words'") as caught:
        written.plan()

    assert [problem.where for problem in caught.value.problems] == where


def test_planning_lists_all_problems() -> None:
    with Pipeline("two-problems") as pipeline:
        LoadDataFromDicts(data=ROWS) >> KeepColumns(columns=["nothing"]) >> TruncateTextColumn(column="text")

    with pytest.raises(PlanError) as caught:
        pipeline.plan()

    assert [problem.code for problem in caught.value.problems] == ["missing-column", "missing-column"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"use_cache": False}, "run() has no argument 'use_cache'. Finished rows are kept by run: the same run_id"),
        ({"dataset": []}, "Start the pipeline with LoadDataFromDicts"),
        ({"run_ids": "r"}, "Did you mean 'run_id'?"),
        ({"zzz": 1}, "It has journals, load_groups, max_cost, max_rows, max_tokens, rehearse, run_id, runs_dir"),
    ],
)
def test_an_argument_that_run_does_not_have_is_told_what_to_use(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError) as caught:
        rich_pipeline().run(**arguments)

    assert said in str(caught.value)


def test_arguments_of_distilabel_are_told_what_to_use() -> None:
    with pytest.raises(TypeError, match=r"run\(runs_dir=\.\.\.\)"):
        Pipeline("p", cache_dir="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="LoadDataFromDicts"):
        rich_pipeline().dry_run(dataset=[])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="it is always YAML"):
        rich_pipeline().save("p.yaml", format="yaml")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"'save_card'\. Leave it out: the card is always written"):
        Distiset({}).save_to_disk("x", save_card=True)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the pipeline is pushed instead"):
        Distiset({}).push_to_hub("me/x", include_script=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("from_yaml", "Pipeline.from_file(path), which reads YAML and JSON"),
        ("from_json", "Pipeline.from_file(path), which reads YAML and JSON"),
        ("dump", "pipeline.to_yaml() for text, pipeline.spec.to_dict() for data"),
    ],
)
def test_methods_of_distilabel_are_told_what_to_use(name: str, instead: str) -> None:
    for asked in (Pipeline, rich_pipeline()):
        with pytest.raises(AttributeError) as caught:
            getattr(asked, name)

        assert (name in str(caught.value), instead in str(caught.value)) == (True, True)


@pytest.mark.parametrize("given", [{"positions": "x.png"}, {"path": "x.png"}, {"top_to_bottom": True}], ids=str)
def test_a_picture_is_not_drawn_and_what_shows_the_pipeline_is_told(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"draw\(\) writes no picture: `distilflow app` shows the pipeline"):
        rich_pipeline().draw(**given)
    with pytest.raises(TypeError, match="Did you mean 'positions'"):
        rich_pipeline().draw(position={})  # type: ignore[arg-type]


def test_what_a_run_may_set_is_told_by_step_with_the_models_inside() -> None:
    told = rich_pipeline().get_runtime_parameters_info()

    of_a = {one["name"]: one for one in told["a"]}
    of_llm = {one["name"]: one for one in of_a["llm"]["runtime_parameters_info"]}
    assert of_a["num_generations"] == {"name": "num_generations", "optional": True, "description": "Replies per row."}
    assert (of_llm["model"]["optional"], of_llm["generation_kwargs"]["optional"]) == (False, True)
    assert "input_mappings" not in of_a


def test_a_rehearsal_in_python_needs_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Pipeline("ask") as pipeline:
        LoadDataFromDicts(data=[{"instruction": "Say hi"}]) >> TextGeneration(llm=OpenAILLM(model="m"))

    made = pipeline.run(rehearse=True, run_id="r", runs_dir=tmp_path)
    [tried] = pipeline.dry_run(rehearse=True, runs_dir=tmp_path)

    assert (made["default"]["train"][0]["model_name"], tried["model_name"]) == ("rehearsal", "rehearsal")
    assert made.report
    assert made.report.is_rehearsal
    with pytest.raises(PlanError, match=r"in Python run\(rehearse=True\)"):
        pipeline.run(runs_dir=tmp_path)


def test_a_rehearsal_in_python_does_not_replace_what_a_model_was_paid_for(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url:
        pipeline = asking(url, rows=1)
        pipeline.run(run_id="r", runs_dir=tmp_path)

    with pytest.raises(SpecError, match="run 'r' holds replies of a model"):
        pipeline.run(rehearse=True, run_id="r", runs_dir=tmp_path)


def with_bad_rows(rows: list[dict[str, Any]]) -> Pipeline:
    """A pipeline in which rows without a text fail."""
    with Pipeline("cut") as pipeline:
        LoadDataFromDicts(data=rows) >> TruncateTextColumn(name="cut", column="text", max_length=3)
    return pipeline


def test_a_run_in_python_says_how_many_rows_failed_why_and_how_to_see_them(tmp_path: Path) -> None:
    pipeline = with_bad_rows([{"text": "abcd"}, {"text": 1}, {"text": 2}])

    with pytest.warns(UserWarning, match="2 rows failed and are not in the result, the first in step 'cut': ") as told:
        made = pipeline.run(run_id="r", runs_dir=tmp_path)

    [warning] = told
    assert str(warning.message).endswith(f"; see all with `distilflow show r --runs-dir {tmp_path}`")
    assert warning.filename == __file__
    assert len(made["default"]["train"]) == 1


def test_a_dry_run_says_that_a_row_failed_and_why(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"1 row failed and is not in the result: step 'cut': \[") as told:
        made = with_bad_rows([{"text": "abcd"}, {"text": 1}]).dry_run(batch_size=2, runs_dir=tmp_path)

    assert told[0].filename == __file__
    assert made == [{"text": "abc"}]


def test_a_run_in_python_says_that_there_are_fewer_rows_than_a_step_wants(tmp_path: Path) -> None:
    with Pipeline("until") as pipeline:
        LoadDataFromDicts(data=[{"text": "a"}]) >> GenerateUntil(name="until", num_rows=3, max_rounds=2)

    with pytest.warns(UserWarning, match="the result has fewer rows: step 'until': 2 of 3 rows, .*; loosen what counts"):
        made = pipeline.run(runs_dir=tmp_path)

    assert len(made["default"]["train"]) == 2
