from __future__ import annotations

from typing import Any

import pytest

from flows.cli.console import cell
from steps.chats import said

ASKED, ANSWERED = said("user", "Why does ice crack?"), said("assistant", "It warms\n unevenly.")


@pytest.mark.parametrize(
    ("chat", "shown"),
    [
        ([ASKED, ANSWERED], "user: Why does ice crack? | assistant: It warms unevenly."),
        (
            [{"from": "human", "value": "Why does ice crack?"}, {"from": "gpt", "value": "It warms."}],
            "human: Why does ice crack? | gpt: It warms.",
        ),
        ([ANSWERED], "assistant: It warms unevenly."),
        (
            [ASKED, {"role": "assistant", "content": None, "tool_calls": [{"name": "look"}]}],
            'user: Why does ice crack? | assistant: {"tool_calls": [{"name": "look"}]}',
        ),
        (
            [ASKED] * 3 + [ANSWERED] * 5,
            " | ".join(["user: Why does ice crack?", "… 3 more …", *4 * ["assistant: It warms unevenly."]]),
        ),
    ],
    ids=["messages", "sharegpt", "one-turn", "tool-call", "very-many"],
)
def test_of_a_chat_each_turn_is_shown_with_who_says_it(chat: list[dict[str, Any]], shown: str) -> None:
    assert cell(chat) == shown


@pytest.mark.parametrize("longest", [5, 48, 220])
@pytest.mark.parametrize("turns", [1, 2, 5, 40])
def test_a_chat_is_no_longer_than_other_values(turns: int, longest: int) -> None:
    assert len(cell([said("user", "x" * 1000)] * turns, longest)) == longest


def test_a_long_turn_takes_no_place_from_a_short_one_and_all_that_it_leaves() -> None:
    shown = cell([said("system", "x" * 1000), ASKED, said("assistant", "y" * 1000)], 100)

    assert shown.split(" | ")[1] == "user: Why does ice crack?"
    assert [turn[-1] for turn in shown.split(" | ")] == ["…", "?", "…"]
    assert len(shown) == 100


@pytest.mark.parametrize("value", [[], [{"name": "x"}], [{"role": "user"}, "x"], {"role": "user"}, None])
def test_what_is_no_chat_is_shown_as_it_is(value: Any) -> None:
    assert cell(value) == {"[]": "[]", "None": "null"}.get(str(value), str(value).replace("'", '"'))
