"""What counts as a chat in a row, and as its text."""

from __future__ import annotations

from typing import Any

import pytest

from steps.chats import content_text, messages_in, user_asks
from steps.errors import MissingKey, MissingValue, RowError

ASKED = {"role": "user", "content": "2+2?"}


@pytest.mark.parametrize(
    ("chat", "what"),
    [
        ("2+2?", "holds '2.2.', not a chat"),
        ([], r"holds \[\], not a chat"),
        (["2+2?"], "message 1 of 'messages' has no role"),
        ([ASKED, {"from": "gpt", "value": "4"}], "message 2 of 'messages' has no role"),
        ([{"role": None, "content": "4"}], "message 1 of 'messages' has no role"),
    ],
)
def test_what_is_no_chat_is_refused(chat: Any, what: str) -> None:
    with pytest.raises(RowError, match=what):
        messages_in({"messages": chat}, "messages")


@pytest.mark.parametrize(
    ("row", "error"),
    [({"messages": None}, MissingValue), ({"messages": float("nan")}, MissingValue), ({"chat": [ASKED]}, MissingKey)],
)
def test_a_chat_that_is_not_there_is_missing(row: Any, error: type[RowError]) -> None:
    with pytest.raises(error, match="'messages'"):
        messages_in(row, "messages")


@pytest.mark.parametrize("none", [None, ""])
def test_a_system_prompt_that_says_nothing_is_no_message(none: str | None) -> None:
    assert user_asks("2+2?", none) == [ASKED]
    assert user_asks("2+2?", "Be brief.") == [{"role": "system", "content": "Be brief."}, ASKED]


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
