from __future__ import annotations

import hashlib

import pytest

from steps.errors import RowError
from steps.formats.format_chat_generation_sft import FormatChatGenerationSFT
from steps.formats.format_text_generation_sft import FormatTextGenerationSFT

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "content": "4"},
    {"role": "user", "content": "3+3?"},
]


def test_the_answer_follows_the_chat_which_stays_as_it_was() -> None:
    [row] = FormatChatGenerationSFT().process([{"messages": CHAT, "generation": "6"}])

    assert row["messages"] == [*CHAT, {"role": "assistant", "content": "6"}]
    assert (row["prompt"], row["prompt_id"]) == ("2+2?", hashlib.sha256(b"2+2?").hexdigest())
    assert len(CHAT) == 4


def test_a_chat_of_one_question_is_written_as_an_instruction_is() -> None:
    [chat] = FormatChatGenerationSFT().process([{"messages": [{"role": "user", "content": "2+2?"}], "generation": "4"}])
    [text] = FormatTextGenerationSFT().process([{"instruction": "2+2?", "generation": "4"}])

    assert [chat[column] for column in FormatChatGenerationSFT.outputs] == [
        text[column] for column in FormatTextGenerationSFT.outputs
    ]


def test_messages_of_tools_stay_as_they_are() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "add"}}]}
    chat = [CHAT[1], called, {"role": "tool", "tool_call_id": "1", "content": "4"}]

    [row] = FormatChatGenerationSFT().process([{"messages": chat, "generation": "4"}])

    assert row["messages"][:-1] == chat


def test_a_chat_that_is_answered_already_is_refused() -> None:
    with pytest.raises(RowError, match="nothing is left to answer"):
        FormatChatGenerationSFT().process([{"messages": CHAT[:3], "generation": "4"}])
