from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from steps.errors import BadReply, RowError
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
from steps.tasks.ultra_feedback import Aspect, UltraFeedback

ROW = {"instruction": "2+2?", "generations": ["4", "5"]}
GOOD = {"rationale": "Right.", "rating": 5}
BAD = {"rationale": "Wrong.", "rating": 1}
TYPED = {"types": [1, 2], "rationale": "Both.", "rating": 2, "rationale_for_rating": "Misleads."}


def reply(*answers: dict[str, Any]) -> str:
    return json.dumps({"answers": answers})


def test_each_answer_gets_a_rating_and_a_reason() -> None:
    made = UltraFeedback().format_output(reply(GOOD, BAD), ROW)

    assert made == {"ratings": [5, 1], "rationales": ["Right.", "Wrong."]}


@pytest.mark.parametrize("aspect", ["helpfulness", "truthfulness"])
def test_kinds_of_fault_and_merit_come_in_columns_of_their_own(aspect: Aspect) -> None:
    made = UltraFeedback(aspect=aspect).format_output(reply(TYPED, TYPED), ROW)

    assert made["types"] == [[1, 2], [1, 2]]
    assert made["rationales-for-ratings"] == ["Misleads.", "Misleads."]
    assert {*made, "model_name"} == set(UltraFeedback(aspect=aspect).makes())


def test_a_bare_list_is_taken_too() -> None:
    assert UltraFeedback().format_output(f"Sure!\n```json\n{json.dumps([GOOD, BAD])}\n```", ROW)["ratings"] == [5, 1]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (reply(GOOD), "has 1 entries in 'answers', it should have 2"),
        (reply(GOOD, BAD, BAD), "has 3 entries in 'answers', it should have 2"),
        (reply(GOOD, {"rationale": "?", "rating": 6}), r"answers\.1\.rating"),
        (reply(GOOD, {"rating": 4}), r"answers\.1\.rationale"),
        ("I would rather not.", "no JSON"),
    ],
    ids=["too-few", "too-many", "out-of-range", "no-reason", "no-json"],
)
def test_a_reply_in_another_form_is_refused_with_its_text(text: str, what: str) -> None:
    with pytest.raises(BadReply, match=what) as caught:
        UltraFeedback().format_output(text, ROW)

    assert caught.value.reply == text


def test_a_missing_answer_is_shown_as_an_empty_one() -> None:
    prompt = UltraFeedback().format_input({"instruction": "2+2?", "generations": [None, "4"]})[-1]["content"]

    assert "<answer 1>\n(empty)\n</answer 1>" in prompt
    assert "<answer 2>\n4\n</answer 2>" in prompt


@pytest.mark.parametrize("generations", [[], None, "4"])
def test_a_row_without_a_list_of_answers_is_refused(generations: object) -> None:
    with pytest.raises(RowError, match="not a list of answers"):
        UltraFeedback().format_input({"instruction": "2+2?", "generations": generations})


def test_the_schema_asks_for_as_many_judgements_as_there_are_answers() -> None:
    answers = UltraFeedback().reply_schema(ROW)["properties"]["answers"]

    assert (answers["minItems"], answers["maxItems"]) == (2, 2)


def test_aspects_are_asked_for_in_words_of_their_own() -> None:
    aspects: list[Aspect] = ["overall-rating", "helpfulness", "truthfulness", "honesty", "instruction-following"]

    assert len({UltraFeedback(aspect=aspect).format_input(ROW)[-1]["content"] for aspect in aspects}) == 5


def test_an_unknown_aspect_is_refused() -> None:
    with pytest.raises(ValidationError, match="'overall-rating'"):
        UltraFeedback.model_validate({"aspect": "beauty"})


@pytest.mark.parametrize("seed", range(20))
def test_a_rehearsal_always_finds_a_best_and_a_worst(seed: int) -> None:
    task = UltraFeedback()
    judged = {**ROW, **task.format_output(task.rehearse(ROW, Random(seed)), ROW)}

    [row] = FormatTextGenerationDPO().process([judged])

    assert row["chosen_rating"] > row["rejected_rating"]
