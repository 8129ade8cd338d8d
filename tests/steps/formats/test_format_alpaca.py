from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.errors import RowError
from steps.formats.format_alpaca import FormatAlpaca
from steps.llms.base import Chat

SYSTEM = {"role": "system", "content": "Be brief."}
ASKED = {"role": "user", "content": "2+2?"}
ANSWERED = {"role": "assistant", "content": "4"}


def alpaca(row: Row, **parameters: Any) -> Row:
    step = FormatAlpaca(**parameters)
    [made] = step.process([row])
    return {column: made[column] for column in step.makes()}


@pytest.mark.parametrize(("given", "written"), [("2, 2", "2, 2"), ("", ""), (None, ""), (float("nan"), "")])
def test_the_input_of_the_row_is_kept_and_a_missing_one_is_empty(given: Any, written: str) -> None:
    row = {"instruction": "Add up.", "input": given, "generation": "4", "system_prompt": "Be brief."}

    assert alpaca(row) == {"instruction": "Add up.", "input": written, "output": "4", "system": "Be brief."}


def test_a_row_without_an_input_column_has_an_empty_one() -> None:
    assert alpaca({"instruction": "Add up.", "generation": "4"})["input"] == ""


def test_a_chat_of_one_turn_is_a_question_and_its_answer() -> None:
    made = alpaca({"messages": [SYSTEM, ASKED, ANSWERED]}, source="messages")

    assert made == {"instruction": "2+2?", "input": "", "output": "4", "system": "Be brief."}


def test_earlier_turns_need_a_history() -> None:
    chat = [ASKED, ANSWERED, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]

    made = alpaca({"messages": chat}, source="messages", history=True)

    assert (made["instruction"], made["output"], made["history"]) == ("Why?", "So.", [["2+2?", "4"]])
    with pytest.raises(RowError, match="2 turns, Alpaca one"):
        alpaca({"messages": chat}, source="messages")


@pytest.mark.parametrize(
    ("chat", "what"),
    [
        ([SYSTEM, ANSWERED], "from 'assistant' where the user's should be"),
        ([ASKED, ASKED, ANSWERED], "from 'user' where the assistant's should be"),
        ([ASKED, {"role": "tool", "content": "4"}, ANSWERED], "from 'tool' where the assistant's should be"),
        ([ASKED, {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}], "the assistant calls a tool"),
        ([{"role": "user", "content": [{"type": "image_url"}]}, ANSWERED], "type 'image_url'"),
    ],
)
def test_a_chat_that_alpaca_cannot_hold_is_refused(chat: Chat, what: str) -> None:
    with pytest.raises(RowError, match=what):
        alpaca({"messages": chat}, source="messages")


def test_an_input_that_is_no_text_is_refused() -> None:
    with pytest.raises(RowError, match="'input' holds a list"):
        alpaca({"instruction": "Add up.", "input": [2, 2], "generation": "4"})
