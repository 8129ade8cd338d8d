from __future__ import annotations

from typing import Any

import pytest

from steps.errors import BadReply, MissingKey, MissingValue, RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.chat_generation import ChatGeneration
from steps.tasks.multi_turn_chat import MultiTurnChat


def talked(row: dict[str, Any], *replies: str, **fields: Any) -> tuple[list[dict[str, Any]], ScriptedLLM]:
    llm = ScriptedLLM(replies=list(replies))
    [made] = MultiTurnChat(llm=llm, **fields).process([row])
    return made["messages"], llm


def test_user_and_assistant_take_turns() -> None:
    chat, llm = talked({"topic": "tides"}, "q1", "a1", "User: q2", "a2", n_turns=2)

    assert [(message["role"], message["content"]) for message in chat] == [
        ("user", "q1"),
        ("assistant", "a1"),
        ("user", "q2"),
        ("assistant", "a2"),
    ]
    assert len(llm.requests) == 4


def test_an_instruction_is_the_first_message_and_asked_as_it_is() -> None:
    chat, llm = talked({"instruction": "Why tides?"}, "The moon.", n_turns=1)

    assert [message["content"] for message in chat] == ["Why tides?", "The moon."]
    assert llm.requests[0].chat == [{"role": "user", "content": "Why tides?"}]


def test_only_the_asker_knows_who_asks_and_what_about() -> None:
    row = {"persona": "A sailor", "topic": "tides", "system_prompt": "Be brief."}
    chat, llm = talked(row, "q1", "a1", "q2", "a2", n_turns=2)
    first, answer, second, _ = (str(request.chat) for request in llm.requests)

    assert all("A sailor" in asked and "tides" in asked and "Be brief." not in asked for asked in (first, second))
    assert "User: q1\\n\\nAssistant: a1" in second
    assert "A sailor" not in answer
    assert chat[0] == {"role": "system", "content": "Be brief."}


def test_a_question_left_open_can_be_answered_by_another_model() -> None:
    llm = ScriptedLLM(replies=["q1", "a1", "q2"])
    [open_chat] = MultiTurnChat(llm=llm, n_turns=2, end_with_user=True).process([{"topic": "tides"}])

    [row] = ChatGeneration(llm=ScriptedLLM(replies=["a2"])).process([open_chat])

    assert (len(row["messages"]), row["messages"][-1]["content"], row["generation"]) == (3, "q2", "a2")


def test_each_generation_is_a_talk_of_its_own() -> None:
    rows = MultiTurnChat(num_generations=2).process([{"topic": "tides"}])

    assert len(rows) == 2
    assert rows[0]["messages"] != rows[1]["messages"]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"text": "x"}, MissingKey),
        ({"topic": None, "persona": float("nan")}, MissingKey),
        ({"topic": " "}, MissingValue),
        ({"instruction": ["x"]}, RowError),
    ],
)
def test_a_row_with_nothing_to_talk_about_is_refused(row: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        MultiTurnChat().process([row])


def test_a_turn_that_says_nothing_is_asked_for_again_and_then_refused() -> None:
    chat, llm = talked({"instruction": "Why?"}, "<think>hm</think>", "The moon.", n_turns=1)

    assert (chat[-1]["content"], len(llm.requests)) == ("The moon.", 2)
    with pytest.raises(BadReply, match="says nothing"):
        talked({"instruction": "Why?"}, " ", n_turns=1)
