from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.errors import MissingKey, RowError
from steps.formats.format_kto import FormatKTO
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO

ASKED = {"role": "user", "content": "2+2?"}
RATED: Row = {
    "id": 7,
    "instruction": "2+2?",
    "generations": ["5", "4", "?"],
    "ratings": [1, 5, 3],
    "generation_models": ["a", "b", "c"],
}


def labels(step: FormatKTO, row: Row) -> dict[str, bool]:
    made = step.process([row])
    return {one["completion"][-1]["content"] if step.format == "chat" else one["completion"]: one["label"] for one in made}


def test_each_rated_answer_becomes_a_row_of_its_own() -> None:
    bad, good, _ = FormatKTO().process([RATED])

    assert bad == {
        "id": 7,
        "instruction": "2+2?",
        "prompt": [ASKED],
        "completion": [{"role": "assistant", "content": "5"}],
        "label": False,
        "completion_model": "a",
        "completion_rating": 1,
    }
    assert (good["label"], good["completion_model"]) == (True, "b")


def test_a_rating_on_the_line_is_good() -> None:
    assert labels(FormatKTO(good_from=3, format="text"), RATED) == {"5": False, "4": True, "?": True}


def test_answers_between_good_and_bad_are_left_out() -> None:
    assert labels(FormatKTO(bad_to=1), RATED) == {"5": False, "4": True}
    assert labels(FormatKTO(good_from=6, bad_to=0), RATED) == {}


@pytest.mark.parametrize("none", [None, float("nan")])
def test_answers_without_a_rating_are_left_out(none: float | None) -> None:
    assert labels(FormatKTO(), {**RATED, "ratings": [none, 5, None]}) == {"4": True}
    with pytest.raises(RowError, match="no answer is rated"):
        FormatKTO().process([{**RATED, "ratings": [none, none, None]}])


def test_a_system_prompt_is_part_of_a_prompt_of_messages() -> None:
    made = FormatKTO().process([{**RATED, "system_prompt": "Be brief."}])

    assert made[0]["prompt"] == [{"role": "system", "content": "Be brief."}, ASKED]


def test_what_is_more_than_a_question_is_no_prompt_of_text() -> None:
    with pytest.raises(RowError, match=r"messages from \['system', 'user'\], not one text"):
        FormatKTO(format="text").process([{**RATED, "system_prompt": "Be brief."}])


def test_chats_are_asked_for_by_their_messages() -> None:
    chat = [ASKED, {"role": "assistant", "content": "4"}, {"role": "user", "content": "Why?"}]

    made = FormatKTO(source="messages").process([{"messages": chat, "generations": ["So."], "ratings": [5]}])

    assert [(row["prompt"], row["label"]) for row in made] == [(chat, True)]


def test_pairs_become_one_good_and_one_bad_answer() -> None:
    [pair] = FormatTextGenerationDPO().process([{**RATED, "system_prompt": "Be brief."}])

    good, bad = FormatKTO(source="pairs").process([pair])

    assert good["prompt"] == bad["prompt"] == [{"role": "system", "content": "Be brief."}, ASKED]
    assert [(row["completion"][0]["content"], row["label"], row["completion_rating"]) for row in (good, bad)] == [
        ("4", True, 5),
        ("5", False, 1),
    ]
    assert not {"chosen", "rejected", "chosen_model", "rejected_rating"} & good.keys()


@pytest.mark.parametrize(
    "pair",
    [
        {"prompt": "2+2?", "chosen": "4", "rejected": "5"},
        {"prompt": [ASKED], "chosen": "4", "rejected": "5"},
        {
            "prompt": [ASKED],
            "chosen": [{"role": "assistant", "content": "4"}],
            "rejected": [{"role": "assistant", "content": "5"}],
        },
        {
            "chosen": [ASKED, {"role": "assistant", "content": "4"}],
            "rejected": [ASKED, {"role": "assistant", "content": "5"}],
        },
    ],
    ids=["texts", "chat-and-texts", "explicit-prompt", "implicit-prompt"],
)
def test_pairs_are_read_as_trl_writes_them(pair: Row) -> None:
    made = FormatKTO(source="pairs", format="text").process([pair])

    assert [(row["prompt"], row["completion"], row["label"]) for row in made] == [("2+2?", "4", True), ("2+2?", "5", False)]


@pytest.mark.parametrize(
    ("pair", "what"),
    [
        ({"chosen": [ASKED], "rejected": [ASKED]}, "last message of 'chosen' is from 'user'"),
        (
            {
                "chosen": [ASKED, {"role": "assistant", "content": "4"}],
                "rejected": [{"role": "user", "content": "3+3?"}, {"role": "assistant", "content": "5"}],
            },
            "answer different chats",
        ),
        ({"chosen": None, "rejected": "5", "prompt": "2+2?"}, "nothing in 'chosen': None"),
        ({"chosen": "4", "rejected": "5", "prompt": None}, "nothing in 'prompt': None"),
        ({"chosen": "4", "rejected": "5", "prompt": {}}, "'prompt' holds a dict, not text"),
    ],
)
def test_a_pair_that_cannot_be_read_is_refused(pair: dict[str, Any], what: str) -> None:
    with pytest.raises(RowError, match=what):
        FormatKTO(source="pairs").process([pair])


def test_numbers_are_written_out() -> None:
    rows = FormatKTO(source="pairs").process([{"chosen": 4, "rejected": 5.5, "prompt": 22}])

    assert [row["completion"][0]["content"] for row in rows] == ["4", "5.5"]
    assert rows[0]["prompt"] == [{"role": "user", "content": "22"}]


def test_a_pair_of_texts_needs_a_prompt() -> None:
    with pytest.raises(MissingKey, match="no 'prompt'"):
        FormatKTO(source="pairs").process([{"chosen": "4", "rejected": "5"}])


def test_what_is_good_cannot_be_bad() -> None:
    assert list(FormatKTO(bad_to=4).check()) == ["`bad_to` (4) must be less than `good_from` (4)"]
    assert list(FormatKTO(bad_to=2).check()) == []
