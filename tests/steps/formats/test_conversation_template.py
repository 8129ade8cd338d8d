from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.formats.conversation_template import ConversationTemplate


def test_a_chat_of_two_messages_joins_the_row() -> None:
    [row] = ConversationTemplate().process([{"id": 7, "instruction": "2+2?", "response": "4"}])

    asked, answered = {"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}
    assert row == {"id": 7, "instruction": "2+2?", "response": "4", "conversation": [asked, answered]}


@pytest.mark.parametrize(
    ("response", "what"),
    [
        (None, "nothing in 'response'"),
        (float("nan"), "nothing in"),
        (["4"], "holds a list"),
        (True, "holds a bool"),
    ],
)
def test_a_response_that_is_no_text_is_refused(response: Any, what: str) -> None:
    with pytest.raises(RowError, match=what):
        ConversationTemplate().process([{"instruction": "2+2?", "response": response}])
