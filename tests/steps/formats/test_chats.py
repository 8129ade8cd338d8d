"""What the formats accept as a chat, and as its text."""

from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.formats.chats import chat_of, content_text, first_question, open_chat_of, question_of, whole_chat_of

ASKED = {"role": "user", "content": "2+2?"}
ANSWERED = {"role": "assistant", "content": "4"}


@pytest.mark.parametrize(
    ("chat", "what"),
    [
        (None, "holds None, not a chat"),
        (float("nan"), "holds nan, not a chat"),
        ("2+2?", "holds '2.2.', not a chat"),
        ([], r"holds \[\], not a chat"),
        (["2+2?"], "message 1 of 'messages' has no role"),
        ([ASKED, {"from": "gpt", "value": "4"}], "message 2 of 'messages' has no role"),
        ([{"role": None, "content": "4"}], "message 1 of 'messages' has no role"),
    ],
)
def test_what_is_no_chat_is_refused(chat: Any, what: str) -> None:
    with pytest.raises(RowError, match=what):
        chat_of({"messages": chat})


def test_a_chat_that_was_answered_has_no_question_left() -> None:
    with pytest.raises(RowError, match="is the assistant's"):
        open_chat_of({"messages": [ASKED, ANSWERED]})


def test_a_chat_is_completed_by_the_generation_only_where_it_lacks_an_answer() -> None:
    assert whole_chat_of({"messages": [ASKED], "generation": "4"}) == [ASKED, ANSWERED]
    assert whole_chat_of({"messages": [ASKED, ANSWERED], "generation": "5"}) == [ASKED, ANSWERED]


def test_a_chat_that_nobody_answered_is_refused() -> None:
    with pytest.raises(RowError, match="from 'user', and there is no 'generation'"):
        whole_chat_of({"messages": [ASKED]})


@pytest.mark.parametrize(
    ("content", "text"),
    [("4", "4"), ("", ""), ([{"type": "text", "text": "a"}, {"type": "text", "text": "b", "image_url": None}], "a\nb")],
)
def test_the_text_of_a_message(content: Any, text: str) -> None:
    assert content_text({"role": "user", "content": content}) == text


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "from 'user' holds None, not text"),
        ([], r"holds \[\], not text"),
        (4, "holds 4, not text"),
        ([{"type": "image_url", "image_url": {"url": "x"}}], "a part of type 'image_url'"),
        ([{"type": "text", "text": None}], "a part of type 'text'"),
        (["a"], "a part of type 'str'"),
    ],
)
def test_a_message_that_is_no_text_is_refused(content: Any, what: str) -> None:
    with pytest.raises(RowError, match=what):
        content_text({"role": "user", "content": content})


def test_the_prompt_is_what_the_user_said_first() -> None:
    assert first_question([{"role": "system", "content": "Be brief."}, ASKED, ANSWERED, {**ASKED, "content": "3+3?"}]) == "2+2?"
    with pytest.raises(RowError, match="no message of the chat is from the user"):
        first_question([ANSWERED])


@pytest.mark.parametrize("none", [None, float("nan"), ""])
def test_a_missing_system_prompt_is_no_message(none: Any) -> None:
    assert question_of({"instruction": "2+2?", "system_prompt": none}) == [ASKED]


def test_a_system_prompt_that_is_no_text_is_refused() -> None:
    with pytest.raises(RowError, match="'system_prompt' holds a int"):
        question_of({"instruction": "2+2?", "system_prompt": 7})
