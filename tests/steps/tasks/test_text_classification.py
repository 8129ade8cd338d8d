from __future__ import annotations

from typing import Any

import pytest

from steps.components import BadParameters
from steps.errors import BadReply
from steps.tasks.text_classification import TextClassification

ROW = {"text": "It broke on the first day."}
KNOWN = ["praise", "complaint"]


@pytest.mark.parametrize(
    ("fields", "reply", "labels"),
    [
        ({}, '{"labels": " Household "}', "Household"),
        ({}, '{"labels": ["Household"]}', "Household"),
        ({"n": 2}, '{"labels": ["a", "b"]}', ["a", "b"]),
        ({"n": 2}, '{"labels": "a"}', ["a"]),
        ({"n": 2}, '["a", "a"]', ["a"]),
        ({"available_labels": KNOWN}, '{"labels": "COMPLAINT"}', "complaint"),
        ({"available_labels": KNOWN}, '{"labels": "unclassified"}', "Unclassified"),
        ({"available_labels": ["US", "us"]}, '{"labels": "us"}', "us"),
        ({"available_labels": KNOWN, "n": 2, "default_label": None}, '{"labels": ["Praise", "complaint"]}', KNOWN),
    ],
)
def test_labels_come_as_they_were_offered(fields: dict[str, Any], reply: str, labels: object) -> None:
    assert TextClassification(**fields).format_output(reply, ROW) == {"labels": labels}


@pytest.mark.parametrize(
    ("fields", "reply", "what"),
    [
        ({"available_labels": KNOWN}, '{"labels": "anger"}', "'anger' is none of the labels: praise, complaint, Unclassified"),
        ({"available_labels": KNOWN, "default_label": None}, '{"labels": "Unclassified"}', "none of the labels"),
        ({"available_labels": ["US", "us"]}, '{"labels": "Us"}', "'Us' is none of the labels"),
        ({"n": 2}, '{"labels": ["a", "b", "c"]}', "gives 3 labels, at most 2"),
        ({"n": 2}, '{"labels": []}', "labels"),
        ({}, '{"labels": ["a", "b"]}', "labels"),
        ({}, '{"labels": ""}', "labels"),
        ({}, "complaint", "no JSON"),
    ],
)
def test_other_labels_are_refused(fields: dict[str, Any], reply: str, what: str) -> None:
    with pytest.raises(BadReply, match=what):
        TextClassification(**fields).format_output(reply, ROW)


def test_the_schema_names_the_labels() -> None:
    one = TextClassification(available_labels=KNOWN).reply_schema(ROW)["properties"]["labels"]
    several = TextClassification(available_labels=KNOWN, n=5).reply_schema(ROW)["properties"]["labels"]

    assert one["enum"] == [*KNOWN, "Unclassified"]
    assert (several["items"]["enum"], several["maxItems"]) == ([*KNOWN, "Unclassified"], 3)


def test_the_prompt_says_what_labels_mean_and_shows_examples() -> None:
    task = TextClassification(
        available_labels={"praise": "Somebody is pleased."},
        examples=["'Nice!' is praise"],
        query_title="Review",
        system_prompt=None,
    )
    [message] = task.format_input(ROW)

    for part in (
        "- praise: Somebody is pleased.",
        "- 'Nice!' is praise",
        f"Review:\n<text>\n{ROW['text']}\n</text>",
        "'Unclassified'",
    ):
        assert part in message["content"]


def test_more_default_labels_than_a_text_may_get_are_a_mistake() -> None:
    assert list(TextClassification(default_label=["a", "b"]).check())
    assert not list(TextClassification(default_label=["a", "b"], n=2).check())


def test_no_labels_to_choose_from_are_a_mistake() -> None:
    with pytest.raises(BadParameters):
        TextClassification(available_labels=[])
