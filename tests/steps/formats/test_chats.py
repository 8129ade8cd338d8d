"""What the formats make chats of."""

from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.formats.chats import first_question, open_chat_of, question_of, supervised, whole_chat_of
from steps.tasks.text_generation import TextGeneration

ASKED = {"role": "user", "content": "2+2?"}
ANSWERED = {"role": "assistant", "content": "4"}


def test_a_chat_that_was_answered_has_no_question_left() -> None:
    with pytest.raises(RowError, match="is the assistant's"):
        open_chat_of({"messages": [ASKED, ANSWERED]})


def test_a_chat_is_completed_by_the_generation_only_where_it_lacks_an_answer() -> None:
    assert whole_chat_of({"messages": [ASKED], "generation": "4"}) == [ASKED, ANSWERED]
    assert whole_chat_of({"messages": [ASKED, ANSWERED], "generation": "5"}) == [ASKED, ANSWERED]


def test_a_chat_that_nobody_answered_is_refused() -> None:
    with pytest.raises(RowError, match="from 'user', and there is no 'generation'"):
        whole_chat_of({"messages": [ASKED]})


def test_the_prompt_is_what_the_user_said_first() -> None:
    assert first_question([{"role": "system", "content": "Be brief."}, ASKED, ANSWERED, {**ASKED, "content": "3+3?"}]) == "2+2?"
    with pytest.raises(RowError, match="no message of the chat is from the user"):
        first_question([ANSWERED])


@pytest.mark.parametrize("none", [None, float("nan"), ""])
def test_a_missing_system_prompt_is_no_message(none: Any) -> None:
    assert question_of({"instruction": "2+2?", "system_prompt": none}) == [ASKED]


def test_a_system_prompt_that_is_no_text_is_refused() -> None:
    with pytest.raises(RowError, match="'system_prompt' holds a list"):
        question_of({"instruction": "2+2?", "system_prompt": ["Be brief."]})


def test_numbers_are_written_out_as_tasks_ask_them() -> None:
    row = {"instruction": 42, "system_prompt": 7, "generation": 4.5}

    assert question_of(row) == TextGeneration().format_input(row)
    assert supervised([row], [question_of(row)])[0]["messages"][-1] == {"role": "assistant", "content": "4.5"}
