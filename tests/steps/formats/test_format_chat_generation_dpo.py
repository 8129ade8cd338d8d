from __future__ import annotations

import pytest

from steps.errors import RowError
from steps.formats.format_chat_generation_dpo import FormatChatGenerationDPO
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO

ANSWERS = {"generations": ["5", "4"], "ratings": [1, 5], "generation_models": ["a", "b"]}
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]


def test_both_sides_answer_the_same_chat() -> None:
    [row] = FormatChatGenerationDPO().process([{"messages": CHAT, **ANSWERS}])

    assert row["chosen"] == [*CHAT, {"role": "assistant", "content": "4"}]
    assert row["rejected"] == [*CHAT, {"role": "assistant", "content": "5"}]
    assert (row["prompt"], row["chosen_model"], row["rejected_rating"]) == ("2+2?", "b", 1)


def test_a_chat_of_one_question_is_paired_as_an_instruction_is() -> None:
    [chat] = FormatChatGenerationDPO().process([{"messages": CHAT, **ANSWERS}])
    [text] = FormatTextGenerationDPO().process([{"instruction": "2+2?", "system_prompt": "Be brief.", **ANSWERS}])

    assert [chat[column] for column in FormatChatGenerationDPO.outputs] == [
        text[column] for column in FormatTextGenerationDPO.outputs
    ]


def test_a_chat_that_is_answered_already_is_refused() -> None:
    with pytest.raises(RowError, match="nothing is left to answer"):
        FormatChatGenerationDPO().process([{"messages": [*CHAT, {"role": "assistant", "content": "4"}], **ANSWERS}])
