from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from flows.pipeline import Pipeline
from steps.errors import BadReply
from steps.llms.scripted_llm import ScriptedLLM
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.tasks.api_gen_execution_checker import APIGenExecutionChecker
from steps.tasks.api_gen_generator import APIGenGenerator
from steps.tasks.api_gen_semantic_checker import APIGenSemanticChecker

ROW = {"examples": "QUERY: ...", "func_name": "area", "func_desc": "Area of a rectangle."}
TOOL = {"name": "area", "parameters": {"width": {"type": "number"}, "height": {"type": "int"}}}
CALL = {"name": "area", "arguments": {"width": 2, "height": 3}}
PAIR = {"query": "Area of 2 x 3?", "answers": [CALL]}


def test_each_query_is_a_row_with_its_calls() -> None:
    other = {"query": "And 4 x 5?", "answers": [CALL, CALL]}
    task = APIGenGenerator(llm=ScriptedLLM(replies=[json.dumps({"pairs": [PAIR, other]})]), number=2)

    rows = task.process([ROW])

    assert [row["query"] for row in rows] == ["Area of 2 x 3?", "And 4 x 5?"]
    assert [json.loads(row["answers"]) for row in rows] == [[CALL], [CALL, CALL]]
    assert all(row.items() >= ROW.items() for row in rows)


def test_a_bare_list_is_taken_and_what_is_too_much_is_left() -> None:
    made = APIGenGenerator(number=1).format_output(f"```json\n{json.dumps([PAIR, PAIR])}\n```", ROW)

    assert made["query"] == ["Area of 2 x 3?"]


@pytest.mark.parametrize(
    "pair",
    [
        {"query": "x", "answers": []},
        {"query": "", "answers": [CALL]},
        {"query": "x", "answers": [{"name": "f", "arguments": "a"}]},
    ],
    ids=["no-calls", "no-query", "arguments-as-text"],
)
def test_a_query_without_calls_is_refused(pair: dict[str, Any]) -> None:
    with pytest.raises(BadReply, match=r"pairs\.0"):
        APIGenGenerator().format_output(json.dumps([pair]), ROW)


def test_numbers_are_drawn_by_row_and_weight() -> None:
    rows = [{**ROW, "id": number} for number in range(300)]
    task = APIGenGenerator(number={1: 0.8, 2: 0.2, 5: 0})

    drawn = Counter(map(task.number_of, rows))

    assert drawn[1] > 2 * drawn[2] > 0
    assert drawn[5] == 0
    assert [task.number_of(row) for row in rows] == [task.number_of(dict(row)) for row in rows]
    assert {APIGenGenerator(number=[3, 4]).number_of(row) for row in rows} == {3, 4}


@pytest.mark.parametrize("number", [0, [], [0], {}, {1: 0}, {1: -1}, {0: 1}, {1: float("nan")}])
def test_numbers_that_cannot_be_drawn_are_refused(number: Any) -> None:
    with pytest.raises(ValidationError):
        APIGenGenerator.model_validate({"number": number})


def test_weights_survive_being_written_down() -> None:
    task = APIGenGenerator(number={1: 0.5, 3: 0.5})

    assert APIGenGenerator.model_validate(json.loads(json.dumps(task.model_dump(mode="json")))).number == {1: 0.5, 3: 0.5}


def test_the_schema_of_the_function_is_shown_where_there_is_one() -> None:
    def prompt(row: dict[str, Any], **params: Any) -> str:
        return str(APIGenGenerator(**params).format_input(row)[-1]["content"])

    assert '<schema>\n[{"name": "area"' in prompt({**ROW, "tools": [TOOL]})
    assert "<schema>" not in prompt({**ROW, "tools": [TOOL]}, use_tools=False)
    assert "<schema>" not in prompt({**ROW, "tools": None})
    assert "<schema>" not in prompt(ROW)
    assert "<examples>\nQUERY: ...\n</examples>" in prompt(ROW)


@pytest.mark.parametrize(
    "tools",
    [
        [TOOL],
        json.dumps([TOOL]),
        {"type": "function", "function": {"name": "area", "parameters": {"type": "object", "properties": TOOL["parameters"]}}},
    ],
    ids=["list", "json", "openai"],
)
def test_rehearsed_calls_have_the_arguments_of_the_function(tools: Any) -> None:
    row = {**ROW, "tools": tools}
    task = APIGenGenerator()

    [answers] = task.format_output(task.rehearse(row, Random(1)), row)["answers"]

    assert [*json.loads(answers)[0]["arguments"]] == ["width", "height"]


@pytest.mark.parametrize(
    "tools", ["{", "3", [], [3], {"parameters": 3}, {"parameters": {"a": 3, "b": {"type": None}}}, float("nan")]
)
def test_whatever_stands_in_tools_a_rehearsal_can_be_read(tools: Any) -> None:
    row = {**ROW, "tools": tools}
    task = APIGenGenerator()

    assert task.format_output(task.rehearse(row, Random(1)), row)


def test_queries_are_written_run_and_judged_in_a_run(tmp_path: Path) -> None:
    functions = Path(__file__).with_name("functions.py")
    with Pipeline("calls") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{**ROW, "tools": [TOOL]}, {**ROW, "func_name": "volume"}])
        write = APIGenGenerator(name="write", number=3)
        run = APIGenExecutionChecker(name="run", libpath=str(functions))
        _ = load >> write >> run >> APIGenSemanticChecker(name="judge")

    rows = list(pipeline.run(run_id="r", runs_dir=tmp_path)["default"]["train"])

    assert [row["keep_row_after_execution_check"] for row in rows] == [True] * 3 + [False] * 3
    assert {row["keep_row_after_semantic_check"] for row in rows} <= {True, False}
