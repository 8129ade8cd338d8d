"""Tasks that take conversations: ChatGeneration and URIAL."""

from __future__ import annotations

from typing import Any

import pytest

from steps.errors import BadReply, MissingKey, MissingValue, RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.chat_generation import ChatGeneration
from steps.tasks.urial import URIAL

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi?"}]


def test_a_conversation_is_sent_as_it_is() -> None:
    llm = ScriptedLLM(replies=["Hello."])

    [row] = ChatGeneration(llm=llm).process([{"messages": CHAT}])

    assert (llm.requests[0].chat, row["generation"]) == (CHAT, "Hello.")


def test_keys_that_a_table_filled_with_none_are_left_out() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}]
    messages = [
        {"role": "user", "content": "Tide?", "tool_calls": None, "tool_call_id": None},
        {"role": "assistant", "content": None, "tool_calls": calls, "tool_call_id": None},
        {"role": "tool", "content": "low", "tool_calls": None, "tool_call_id": "1"},
    ]

    assert ChatGeneration().format_input({"messages": messages}) == [
        {"role": "user", "content": "Tide?"},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "content": "low", "tool_call_id": "1"},
    ]


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        ("Hi?", "holds 'Hi\\?', not a chat"),
        ([{"content": "Hi?"}], "message 1 of 'messages' has no role"),
        ([{"role": "user", "content": 3}], "has the content 3, not text"),
        ([{"role": "user"}], "has the content None, not text"),
        ([*CHAT, {"role": "assistant", "content": "Hello."}], "from 'assistant': nobody waits"),
    ],
)
@pytest.mark.parametrize(("task", "column"), [(ChatGeneration(), "messages"), (URIAL(), "conversation")])
def test_what_is_no_open_conversation_is_refused(task: Any, column: str, messages: object, what: str) -> None:
    with pytest.raises(RowError, match=what.replace("messages", column)):
        task.format_input({column: messages})


def test_a_base_model_is_shown_the_conversation_and_the_next_turn() -> None:
    [message] = URIAL().format_input({"conversation": CHAT})

    assert message["content"].endswith("\n\n# System:\nBe brief.\n\n# User:\nHi?\n\n# Assistant:\n")
    assert message["content"].count("# Assistant:\n") == 4


def test_an_instruction_goes_before_a_conversation() -> None:
    row = {"instruction": "Ho?", "conversation": CHAT}

    assert "Hi?" not in URIAL().format_input(row)[0]["content"]
    assert "Hi?" in URIAL().format_input({**row, "instruction": None})[0]["content"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Hello.\n\n# User:\nMore?", "Hello."),
        ("\n\n# Assistant:\nHello.\n# Assistant:\nHello again.", "Hello."),
        ("Use `# User` as a heading.\n# User guide\nText", "Use `# User` as a heading.\n# User guide\nText"),
    ],
)
def test_the_reply_ends_at_the_next_turn(reply: str, said: str) -> None:
    assert URIAL().format_output(reply, {"instruction": "Hi?"}) == {"generation": said}


def test_a_base_model_is_not_asked_to_correct_itself() -> None:
    llm = ScriptedLLM(replies=["# User:\nHi?", "Hello."])

    with pytest.raises(BadReply, match="says nothing before the next turn"):
        URIAL(llm=llm).process([{"instruction": "Hi?"}])
    assert len(llm.requests) == 1


def test_a_base_model_reads_text_only() -> None:
    with pytest.raises(RowError, match="more than text"):
        URIAL().format_input({"conversation": [{"role": "user", "content": [{"type": "text", "text": "Hi?"}]}]})


@pytest.mark.parametrize(("row", "error"), [({"text": "x"}, MissingKey), ({"instruction": " "}, MissingValue)])
def test_a_row_that_asks_nothing_is_refused(row: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        URIAL().check_row(row)
