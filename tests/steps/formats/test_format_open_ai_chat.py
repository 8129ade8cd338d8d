from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.formats.format_open_ai_chat import FormatOpenAIChat
from steps.llms.base import Chat

ASKED = {"role": "user", "content": "2+2?"}
ANSWERED = {"role": "assistant", "content": "4"}
FUNCTION = {"name": "add", "arguments": '{"a": 2}'}
CALL = {"id": "1", "type": "function", "function": FUNCTION}
CALLED = {"role": "assistant", "tool_calls": [CALL]}
REPLIED = {"role": "tool", "tool_call_id": "1", "content": "4"}


def messages(*chat: dict[str, Any], **parameters: Any) -> Chat:
    [row] = FormatOpenAIChat(**parameters).process([{"messages": list(chat)}])
    made = row["messages"]
    assert isinstance(made, list)
    return made


def test_what_the_format_does_not_have_is_left_out() -> None:
    asked = {**ASKED, "name": "asker", "tool_calls": None, "weight": None, "model": "x", "content": "2+2?"}

    assert messages(asked, {**ANSWERED, "weight": 0.0, "tool_calls": [], "id": 7}) == [
        {"role": "user", "content": "2+2?", "name": "asker"},
        {"role": "assistant", "content": "4", "weight": 0},
    ]


def test_a_system_prompt_is_added_only_where_there_is_none() -> None:
    own = {"role": "system", "content": "Be long."}

    assert messages(ASKED, ANSWERED, system_prompt="Be brief.")[0] == {"role": "system", "content": "Be brief."}
    assert messages(own, ASKED, ANSWERED, system_prompt="Be brief.") == [own, ASKED, ANSWERED]
    assert messages(ASKED, ANSWERED) == [ASKED, ANSWERED]


def test_a_developer_is_called_system() -> None:
    assert messages({"role": "developer", "content": "x"}, ASKED, ANSWERED)[0] == {"role": "system", "content": "x"}


def test_an_instruction_and_its_answer_are_a_chat_too() -> None:
    [row] = FormatOpenAIChat(source="instruction").process([{"instruction": "2+2?", "generation": "4"}])

    assert row["messages"] == [ASKED, ANSWERED]


def test_calls_of_tools_are_written_with_arguments_as_text() -> None:
    function = {**FUNCTION, "arguments": {"a": 2}, "parsed": True}

    made = messages(
        ASKED, {**CALLED, "content": None, "tool_calls": [{**CALL, "function": function, "index": 0}]}, REPLIED, ANSWERED
    )

    assert made == [ASKED, CALLED, REPLIED, ANSWERED]


def test_a_chat_may_end_with_a_call() -> None:
    assert messages(ASKED, CALLED) == [ASKED, CALLED]


def test_images_of_the_user_stay_and_lose_only_empty_fields() -> None:
    parts = [
        {"type": "text", "text": "What is this?", "image_url": None},
        {"type": "image_url", "text": None, "image_url": {"url": "https://example.org/a.png", "detail": None}},
    ]

    [asked, _] = messages({"role": "user", "content": parts}, ANSWERED)

    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    assert asked["content"] == [{"type": "text", "text": "What is this?"}, image]


@pytest.mark.parametrize(
    ("chat", "what"),
    [
        ([ASKED, {"role": "critic", "content": "x"}, ANSWERED], "message 2 is from 'critic'"),
        ([{"role": "user", "content": None}, ANSWERED], "message 1 has no content: None"),
        ([ASKED, {"role": "assistant"}], "message 2 has no content"),
        ([{"role": "user", "content": 4}, ANSWERED], "message 1 holds 4"),
        ([ASKED, {**ANSWERED, "weight": 2}], "has the weight 2"),
        ([ASKED, {**ANSWERED, "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "does not take"),
        ([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, ANSWERED], "does not take"),
        ([{"role": "user", "content": ["a"]}, ANSWERED], "does not take"),
        ([ASKED, CALLED, ANSWERED], r"message 3 comes before the replies to the calls \['1'\]"),
        ([ASKED, REPLIED, ANSWERED], "message 2 replies to a call that nobody made: '1'"),
        ([ASKED, CALLED, {**REPLIED, "tool_call_id": None}, ANSWERED], "has no 'tool_call_id'"),
        ([ASKED, {**CALLED, "tool_calls": [{"function": FUNCTION}]}, REPLIED, ANSWERED], "without an id"),
        ([ASKED, {**CALLED, "tool_calls": ["add"]}, REPLIED, ANSWERED], "no function with a name: 'add'"),
        ([ASKED, {**CALLED, "tool_calls": 7}], "no function with a name: 7"),
        ([ASKED], "there is no 'generation'"),
    ],
)
def test_a_chat_that_openai_would_refuse_is_refused(chat: Chat, what: str) -> None:
    with pytest.raises(RowError, match=what):
        messages(*chat)
