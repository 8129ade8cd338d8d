from __future__ import annotations

import pytest

from steps.errors import BadReply
from steps.tasks.instruction_backtranslation import InstructionBacktranslation

ROW = {"instruction": "2+2?", "generation": "4 {instruction}"}


def test_a_score_comes_with_its_reason() -> None:
    made = InstructionBacktranslation().format_output('{"reason": "Right.", "score": 5}', ROW)

    assert made == {"reason": "Right.", "score": 5}


@pytest.mark.parametrize("reply", ['{"reason": "?", "score": 6}', '{"score": 3}', "Right.\nScore: 5"])
def test_another_reply_is_refused(reply: str) -> None:
    with pytest.raises(BadReply):
        InstructionBacktranslation().format_output(reply, ROW)


def test_braces_in_a_text_are_not_filled_in() -> None:
    assert "<answer>\n4 {instruction}\n</answer>" in InstructionBacktranslation().format_input(ROW)[0]["content"]
