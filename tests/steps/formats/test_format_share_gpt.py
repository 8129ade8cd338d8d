from __future__ import annotations

import json
from typing import Any

import pytest

from steps.errors import RowError
from steps.formats.format_share_gpt import FormatShareGPT
from steps.llms.base import Chat

ASKED = {"role": "user", "content": "2+2?"}
ANSWERED = {"role": "assistant", "content": "4"}
CALL = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": "ü"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
REPLIED = {"role": "tool", "tool_call_id": "1", "content": "4"}


def turns(*chat: dict[str, Any]) -> list[tuple[str, str]]:
    [row] = FormatShareGPT().process([{"messages": list(chat)}])
    assert all(list(turn) == ["from", "value"] for turn in row["conversations"])
    return [(turn["from"], turn["value"]) for turn in row["conversations"]]


def test_roles_get_the_names_of_sharegpt() -> None:
    assert turns({"role": "system", "content": "Be brief."}, ASKED, ANSWERED) == [
        ("system", "Be brief."),
        ("human", "2+2?"),
        ("gpt", "4"),
    ]


def test_an_instruction_and_its_answer_are_a_chat_too() -> None:
    row = {"instruction": "2+2?", "generation": "4", "system_prompt": "Be brief."}

    [made] = FormatShareGPT(source="instruction").process([row])

    assert [turn["from"] for turn in made["conversations"]] == ["system", "human", "gpt"]


def test_calls_of_tools_and_their_replies_have_turns_of_their_own() -> None:
    made = turns(ASKED, CALLED, REPLIED, ANSWERED)

    assert made[1:3] == [("function_call", '{"name": "add", "arguments": {"a": 2, "b": "ü"}}'), ("observation", "4")]


def test_several_calls_and_replies_are_one_turn_each() -> None:
    arguments: Any = {"a": 1}
    other = {"id": "2", "function": {"name": "sub", "arguments": arguments}}

    made = turns(ASKED, {**CALLED, "content": "", "tool_calls": [CALL, other]}, REPLIED, REPLIED, ANSWERED)

    assert [call["name"] for call in json.loads(made[1][1])] == ["add", "sub"]
    assert made[2] == ("observation", "4\n4")


@pytest.mark.parametrize(
    ("chat", "what"),
    [
        ([ASKED, ASKED, ANSWERED], "message 2 is from 'human', where an answer should be"),
        ([ANSWERED], "message 1 is from 'gpt', where a question should be"),
        ([ASKED, ANSWERED, ANSWERED], "message 3 is from 'gpt', where a question should be"),
        ([ASKED, {"role": "system", "content": "x"}, ANSWERED], "a system message stands inside"),
        ([ASKED, {"role": "critic", "content": "x"}, ANSWERED], "no role 'critic'"),
        ([{"role": "user", "content": None}, ANSWERED], "from 'user' holds None, not text"),
        ([ASKED, {**CALLED, "content": "Let me see."}], "calls tools and says something"),
        ([ASKED, {**CALLED, "tool_calls": [{"name": "add"}]}], "no function with a name"),
        ([ASKED, {**CALLED, "tool_calls": 7}], "no function with a name: 7"),
        ([ASKED, {**CALLED, "tool_calls": [{"function": {"name": "add", "arguments": "{"}}]}], "are not JSON"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, ANSWERED], "type 'image_url'"),
    ],
)
def test_a_chat_that_sharegpt_cannot_hold_is_refused(chat: Chat, what: str) -> None:
    with pytest.raises(RowError, match=what):
        turns(*chat)
