"""Data for embedding models: what the tasks that write it share, and what is their own."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from steps.errors import BadReply, MissingKey
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks import (
    BitextRetrievalGenerator,
    EmbeddingTaskGenerator,
    GenerateLongTextMatchingData,
    GenerateShortTextMatchingData,
    GenerateTextClassificationData,
    GenerateTextRetrievalData,
    MonolingualTripletGenerator,
)
from steps.tasks.attributes import TaskWithAttributes

ROW = {"task": "Find the law behind a case."}
OF_ROWS = [
    GenerateTextRetrievalData(),
    GenerateShortTextMatchingData(),
    GenerateLongTextMatchingData(),
    GenerateTextClassificationData(),
]
ALL = [*OF_ROWS, MonolingualTripletGenerator(), BitextRetrievalGenerator(target_language="Thai")]


def named(task: Any) -> str:
    return type(task).__name__


@pytest.mark.parametrize("task", ALL, ids=named)
def test_every_attribute_is_in_the_prompt(task: TaskWithAttributes) -> None:
    row = {**ROW, "number": 1}

    prompt = task.format_input(row)[-1]["content"]

    assert {str(value) for value in task.drawn(row).values() if str(value) not in prompt} == set()
    assert "{" not in prompt.partition("Reply with nothing but JSON")[0]


@pytest.mark.parametrize("task", OF_ROWS, ids=named)
def test_the_task_of_the_row_is_shown_as_material(task: TaskWithAttributes) -> None:
    assert "<task>\nFind the law behind a case.\n</task>" in task.format_input(ROW)[-1]["content"]


def test_a_row_that_is_done_again_gets_the_same_attributes() -> None:
    assert GenerateTextRetrievalData().drawn(ROW) == GenerateTextRetrievalData().drawn(dict(ROW))


def test_rows_and_seeds_get_attributes_of_their_own() -> None:
    rows = [{"task": f"task {number}"} for number in range(60)]

    drawn = [GenerateTextRetrievalData().drawn(row) for row in rows]

    assert {one["query_type"] for one in drawn} == {"extremely long-tail", "long-tail", "common"}
    assert {one["num_words"] for one in drawn} == {50, 100, 200, 300, 400, 500}
    assert [GenerateTextRetrievalData(seed=1).drawn(row) for row in rows] != drawn


def test_an_attribute_that_is_set_is_kept_and_leaves_the_others_as_they_were() -> None:
    free = GenerateTextRetrievalData().drawn(ROW)

    fixed = GenerateTextRetrievalData(query_type="common", num_words=50).drawn(ROW)

    assert fixed == {**free, "query_type": "common", "num_words": 50}


@pytest.mark.parametrize("wrong", [{"difficulty": "kindergarten"}, {"num_words": 7}, {"language": ""}])
def test_an_attribute_that_is_no_choice_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GenerateTextRetrievalData.model_validate(wrong)


def test_a_row_without_a_task_is_refused() -> None:
    with pytest.raises(MissingKey, match="no 'task'"):
        GenerateTextRetrievalData().process([{"text": "x"}])


def test_a_label_that_misleads_nobody_is_refused() -> None:
    reply = json.dumps({"input_text": "Nice!", "label": "Praise", "misleading_label": "praise "})

    with pytest.raises(BadReply, match="are the same"):
        GenerateTextClassificationData().format_output(reply, ROW)


def test_an_empty_document_is_refused() -> None:
    with pytest.raises(BadReply, match="positive_document"):
        GenerateShortTextMatchingData().format_output('{"input": "a", "positive_document": ""}', ROW)


def test_as_many_triplets_come_as_were_asked_for() -> None:
    rows = list(MonolingualTripletGenerator(num_rows=3, num_generations=2).generate())

    assert len(rows) == 6
    assert {tuple(row) for row in rows} == {("S1", "S2", "S3", "model_name")}


def test_no_two_requests_of_a_generator_are_alike() -> None:
    source = MonolingualTripletGenerator(num_rows=200)

    prompts = [source.format_input(seed)[-1]["content"] for seed in source.seeds()]

    assert max(Counter(prompts).values()) == 1


def test_more_rows_leave_the_first_ones_as_they_were() -> None:
    few, many = (list(BitextRetrievalGenerator(target_language="Thai", num_rows=n).generate()) for n in (2, 4))

    assert many[:2] == few


def test_two_texts_are_asked_for_in_the_target_language() -> None:
    prompt = BitextRetrievalGenerator(source_language="German", target_language="Thai").format_input({"number": 1})[-1][
        "content"
    ]

    assert "S1 in German, S2 and S3 in Thai" in prompt


def tasks_of(reply: str, **params: Any) -> list[dict[str, Any]]:
    source = EmbeddingTaskGenerator(category="text-retrieval", llm=ScriptedLLM(replies=[reply]), max_repairs=0, **params)
    return list(source.generate())


@pytest.mark.parametrize("reply", ['{"tasks": ["a ", "b"]}', '```json\n["a", "b"]\n```'], ids=["named", "bare"])
def test_a_list_of_tasks_is_a_row(reply: str) -> None:
    assert tasks_of(reply) == [{"tasks": ["a", "b"], "model_name": "scripted"}]


def test_each_task_becomes_a_row_where_they_are_flattened() -> None:
    assert [row["task"] for row in tasks_of('["a", "b", "c"]', flatten_tasks=True)] == ["a", "b", "c"]


def test_tasks_of_several_replies_are_flattened_too() -> None:
    source = EmbeddingTaskGenerator(
        category="text-matching-long",
        llm=ScriptedLLM(replies=['["a", "b"]', '["c"]']),
        flatten_tasks=True,
        num_generations=2,
        group_generations=True,
    )

    assert [row["task"] for row in source.generate()] == ["a", "b", "c"]


@pytest.mark.parametrize("reply", ["[]", '["a", ""]', '{"tasks": "a"}', '[{"task": "a"}]'])
def test_what_is_no_list_of_tasks_is_refused(reply: str) -> None:
    with pytest.raises(BadReply):
        tasks_of(reply)


def test_flattened_tasks_go_straight_into_the_task_that_follows() -> None:
    rows = list(EmbeddingTaskGenerator(category="text-classification", flatten_tasks=True, num_rows=2).generate())

    made = GenerateTextClassificationData().process(rows)

    assert len(made) == len(rows) > 2
    assert set(made[0]) == {"task", "model_name", "input_text", "label", "misleading_label"}


def test_categories_are_asked_for_in_words_of_their_own() -> None:
    categories = ("text-retrieval", "text-matching-short", "text-matching-long", "text-classification")
    sources = [EmbeddingTaskGenerator(category=category) for category in categories]

    assert len({source.format_input(next(source.seeds()))[0]["content"] for source in sources}) == 4
    assert [source.count() for source in sources] == [1] * 4
    assert EmbeddingTaskGenerator(category="text-retrieval", flatten_tasks=True).count() is None
