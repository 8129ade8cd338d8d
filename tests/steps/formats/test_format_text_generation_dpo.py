from __future__ import annotations

import json
from typing import Any

import pytest

from steps.base import Row
from steps.errors import RowError
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
from steps.tasks.text_classification import TextClassification


def formatted(**row: Any) -> Row:
    [made] = FormatTextGenerationDPO().process([{"instruction": "2+2?", **row}])
    return made


def test_the_best_answer_is_preferred_to_the_worst() -> None:
    row = formatted(generations=["5", "4", "about 4"], ratings=[1, 5, 3], generation_models=["a", "b", "c"])

    assert row["chosen"] == [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
    assert row["rejected"][-1]["content"] == "5"
    assert [row[f"{side}_{what}"] for side in ("chosen", "rejected") for what in ("model", "rating")] == ["b", 5, "a", 1]


def test_a_system_prompt_stands_first_on_both_sides() -> None:
    row = formatted(generations=["5", "4"], ratings=[1, 5], system_prompt="Be brief.")

    assert row["chosen"][0] == row["rejected"][0] == {"role": "system", "content": "Be brief."}


def test_of_equally_rated_answers_the_first_counts() -> None:
    row = formatted(generations=["a", "b", "c", "d"], ratings=[1, 5, 5, 1])

    assert (row["chosen"][-1]["content"], row["rejected"][-1]["content"]) == ("b", "a")


def test_labels_that_are_numbers_rate_as_numbers() -> None:
    judge = TextClassification(available_labels=["2", "10", "4.5"])
    labels = [judge.format_output(json.dumps({"labels": label}), {"text": "x"})["labels"] for label in ("2", "10", "4.5")]

    row = formatted(generations=["a", "b", "c"], ratings=labels)

    assert (row["chosen"][-1]["content"], row["chosen_rating"], row["rejected_rating"]) == ("b", 10, 2)


def test_an_answer_is_never_preferred_to_itself() -> None:
    row = formatted(generations=["a", "a", "b"], ratings=[1, 5, 3])

    assert (row["chosen"][-1]["content"], row["rejected"][-1]["content"]) == ("a", "b")


@pytest.mark.parametrize("none", [None, float("nan")])
def test_answers_without_a_rating_are_left_aside(none: float | None) -> None:
    row = formatted(generations=["a", "b", "c"], ratings=[none, 2, 1])

    assert (row["chosen"][-1]["content"], row["rejected"][-1]["content"]) == ("b", "c")


def test_models_may_be_unknown() -> None:
    assert formatted(generations=["a", "b"], ratings=[2, 1])["chosen_model"] is None


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"generations": ["a", "b"], "ratings": [None, 3]}, "two rated answers, this row has 1"),
        ({"generations": [], "ratings": []}, "two rated answers, this row has 0"),
        ({"generations": ["a", None], "ratings": [2, 3]}, "two rated answers, this row has 1"),
        ({"generations": ["a", "b"], "ratings": [3, 3]}, "those that differ from the best are rated 3 too"),
        ({"generations": ["a", "a", "b"], "ratings": [1, 3, 3]}, "those that differ from the best are rated 3 too"),
        ({"generations": ["a", "a"], "ratings": [2, 3]}, "all 2 are the same text"),
        ({"generations": ["a", "b"], "ratings": [3]}, "do not match: {'generations': 2, 'ratings': 1}"),
        ({"generations": ["a", "b"], "ratings": None}, "nothing in 'ratings': None"),
        ({"generations": "ab", "ratings": [1, 2]}, "'generations' holds a str, not a list"),
        ({"generations": ["a", "b"], "ratings": ["1", "5 of 5"]}, "is rated '5 of 5' in 'ratings'"),
        ({"generations": ["a", ["b"]], "ratings": [1, 5]}, "'generations' holds a list, not text"),
        ({"generations": ["a", "b"], "ratings": [1, 5], "generation_models": ["x"]}, "do not match"),
        ({"generations": None, "ratings": [1, 5], "generation_models": ["x", "y"]}, "nothing in 'generations': None"),
    ],
)
def test_a_row_without_a_preference_is_refused_and_says_why(row: dict[str, Any], what: str) -> None:
    with pytest.raises(RowError, match=what):
        formatted(**row)
