from __future__ import annotations

import json
from typing import Any

import pytest

from steps.errors import BadReply, RowError
from steps.tasks.argilla_labeller import ArgillaLabeller

FIELDS = [{"name": "text"}, {"name": "source"}]
RECORD = {"fields": {"text": "It broke.", "source": None}, "responses": {}}


def question(kind: str = "label_selection", *options: str | int, **more: Any) -> dict[str, Any]:
    return {"name": "mood", "settings": {"type": kind, "options": [{"value": option} for option in options]}, **more}


LABEL = question("label_selection", "praise", "complaint")
LABELS = question("multi_label_selection", "late", "broken", "rude")
RATING = question("rating", 1, 2, 3)
TEXT = question("text")


class Written:
    """Stands for an object of the argilla package."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said

    def serialize(self) -> dict[str, Any]:
        return self._said


@pytest.mark.parametrize(
    ("asked", "reply", "value"),
    [
        (LABEL, {"label": "complaint"}, "complaint"),
        (LABELS, {"labels": ["late", "rude", "late"]}, ["late", "rude"]),
        (LABELS, {"labels": []}, []),
        (LABELS, {"labels": None}, []),
        (RATING, {"rating": 3}, 3),
        (RATING, {"rating": "2"}, 2),
        (TEXT, {"text": " It broke. "}, "It broke."),
    ],
)
def test_a_suggestion_answers_the_question(asked: dict[str, Any], reply: dict[str, Any], value: object) -> None:
    made = ArgillaLabeller(fields=FIELDS, question=asked).format_output(json.dumps(reply), {"record": RECORD})

    assert made == {"suggestion": {"value": value, "question_name": "mood", "type": "model", "agent": "rehearsal"}}


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (LABEL, {"label": "anger"}),
        (LABEL, {"labels": ["praise"]}),
        (LABELS, {"labels": "late"}),
        (LABELS, {"labels": ["late", "cheap"]}),
        (RATING, {"rating": 4}),
        (RATING, {"rating": 2.5}),
        (TEXT, {"text": " "}),
        (TEXT, {"text": 3}),
    ],
)
def test_another_answer_is_refused(asked: dict[str, Any], reply: dict[str, Any]) -> None:
    with pytest.raises(BadReply, match="does not fit what was asked for"):
        ArgillaLabeller(fields=FIELDS, question=asked).format_output(json.dumps(reply), {"record": RECORD})


def test_the_prompt_holds_guidelines_examples_options_and_the_fields_that_are_there() -> None:
    answered = {"fields": {"text": "Lovely."}, "responses": {"mood": [{"value": "praise"}]}}
    asked = {**LABEL, "title": "How do they feel?"}
    task = ArgillaLabeller(guidelines="Be fair.", example_records=[answered, RECORD])

    text = task.format_input({"record": RECORD, "question": asked, "fields": FIELDS})[1]["content"]

    for part in ("Be fair.", "How do they feel?", "- complaint", '<text>\nLovely.\n</text>\n{"label": "praise"}', "It broke."):
        assert part in text
    assert text.count("<text>") == 2
    assert "<source>" not in text


def test_objects_are_taken_as_well_and_a_row_goes_before_the_parameters() -> None:
    task = ArgillaLabeller(question=Written(LABEL), fields=[Written(field) for field in FIELDS])

    assert task.question == LABEL
    row = {"record": Written(RECORD), "question": Written(RATING), "fields": None}
    assert "It broke." in task.format_input(row)[1]["content"]
    assert task.reply_schema(row)["properties"]["rating"]["enum"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"record": RECORD, "fields": FIELDS}, "no `question`"),
        ({"record": RECORD, "fields": FIELDS, "question": {"name": "mood"}}, "no `question`"),
        ({"record": RECORD, "fields": FIELDS, "question": question("span")}, "type 'span' cannot be answered"),
        ({"record": RECORD, "fields": FIELDS, "question": question("rating")}, "has no options"),
        ({"record": RECORD, "question": LABEL}, "no `fields`"),
        ({"record": RECORD, "fields": [None], "question": LABEL}, "no `fields`"),
        ({"record": {"fields": {"body": "x"}}, "fields": FIELDS, "question": LABEL}, "none of the fields text, source"),
        ({"record": "It broke.", "fields": FIELDS, "question": LABEL}, "none of the fields text, source"),
    ],
)
def test_a_row_that_cannot_be_asked_about_is_refused(row: dict[str, Any], what: str) -> None:
    with pytest.raises(RowError, match=what):
        ArgillaLabeller().format_input(row)


def test_a_field_that_is_a_chat_is_shown_as_json() -> None:
    row = {"record": {"fields": {"text": [{"role": "user", "content": "Ä?"}]}}, "fields": FIELDS, "question": LABEL}

    assert '[{"role": "user", "content": "Ä?"}]' in ArgillaLabeller().format_input(row)[1]["content"]


@pytest.mark.parametrize(
    "example", ["x", None, {"responses": {"mood": [{"value": "praise"}]}}, {**RECORD, "responses": {"mood": []}}]
)
def test_an_example_without_fields_or_answer_is_passed_over(example: object) -> None:
    row = {"record": RECORD, "fields": FIELDS, "question": LABEL, "example_records": [example]}

    assert "Examples:" not in ArgillaLabeller().format_input(row)[1]["content"]
