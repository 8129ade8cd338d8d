"""CLAIR and Genstruct: two long texts in one reply."""

from __future__ import annotations

import pytest

from steps.errors import BadReply, MissingValue, RowError
from steps.tasks.clair import CLAIR
from steps.tasks.genstruct import Genstruct

SOLUTION = {"task": "2+2?", "student_solution": "5"}
DOCUMENT = {"title": "Tides", "content": "Tides follow the moon."}


def test_backslashes_and_quotes_of_a_revision_stay_as_they_are() -> None:
    made = CLAIR().format_output('<think>[REVISION] no</think>Wrong.\n[REVISION]\nIt is "\\frac{8}{2}".\n', SOLUTION)

    assert made == {"revision": 'It is "\\frac{8}{2}".', "rational": "Wrong."}


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ("It is 4.", r"has no \[REVISION\]"),
        ("Wrong. [REVISION] ", r"has nothing after \[REVISION\]"),
        ("[REVISION] It is 4.", r"has nothing before \[REVISION\]"),
    ],
)
def test_half_a_reply_is_refused_with_its_text(reply: str, what: str) -> None:
    with pytest.raises(BadReply, match=what) as caught:
        CLAIR().format_output(reply, SOLUTION)

    assert caught.value.reply == reply


def test_an_empty_solution_can_be_revised_but_an_empty_task_cannot() -> None:
    assert "(empty)" in CLAIR().format_input({**SOLUTION, "student_solution": ""})[1]["content"]
    with pytest.raises(MissingValue, match="'task' is blank"):
        CLAIR().format_input({**SOLUTION, "task": " "})


def test_a_teacher_without_a_role_gets_one_message() -> None:
    assert [message["role"] for message in CLAIR(system_prompt="").format_input(SOLUTION)] == ["user"]


@pytest.mark.parametrize(
    "reply",
    [
        "Why? [[[Assistant]]] The moon.",
        "[[[User]]] Why?\n[[[Assistant]]]\nThe moon.",
        "Why? [[[Assistant]]] The moon. [[[User]]] And the sun? [[[Assistant]]] Less.",
    ],
    ids=["as-trained", "marker-repeated", "went-on"],
)
def test_a_document_gives_one_question_and_its_answer(reply: str) -> None:
    assert Genstruct().format_output(reply, DOCUMENT) == {"user": "Why?", "assistant": "The moon."}


def test_the_markers_are_those_the_model_was_trained_on() -> None:
    prompt = Genstruct().format_input(DOCUMENT)[0]["content"]

    assert prompt.startswith("[[[Title]]] Tides\n[[[Content]]] Tides follow the moon.\n")
    assert prompt.endswith("\n[[[User]]] ")


@pytest.mark.parametrize("content", [["a"], {"a": 1}, True])
def test_a_document_that_is_no_text_is_refused(content: object) -> None:
    with pytest.raises(RowError, match="'content' holds a"):
        Genstruct().format_input({"title": "x", "content": content})
