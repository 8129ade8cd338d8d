from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.components import BadParameters
from steps.errors import RowError
from steps.formats.format_prm import FormatPRM

SOLUTION = ["Step 1: 2+2=4. +", "Step 2: 4+2=7. -"]


def formatted(step: FormatPRM, solution: Any = SOLUTION) -> Row:
    [row] = step.process([{"instruction": "2+2+2?", "solutions": solution}])
    return row


def test_in_the_papers_form_a_token_stands_where_a_tag_is_to_be_told() -> None:
    row = formatted(FormatPRM())

    assert row["input"] == "2+2+2? Step 1: 2+2=4. ки\nStep 2: 4+2=7. ки"
    assert row["label"] == "2+2+2? Step 1: 2+2=4. +\nStep 2: 4+2=7. -"


def test_in_the_form_of_trl_tags_become_labels() -> None:
    row = formatted(FormatPRM(format="trl"))

    assert row["prompt"] == "2+2+2?"
    assert (row["completions"], row["labels"]) == (["Step 1: 2+2=4.", "Step 2: 4+2=7."], [True, False])


def test_tags_may_be_words_and_blanks_may_follow_them() -> None:
    row = formatted(FormatPRM(format="trl", tags=["good", "bad"]), ["one good \n", "two bad"])

    assert (row["completions"], row["labels"]) == (["one", "two"], [True, False])


def test_the_token_can_be_chosen() -> None:
    assert formatted(FormatPRM(step_token="<r>"), ["one +"])["input"] == "2+2+2? one <r>"


@pytest.mark.parametrize(
    ("solution", "what"),
    [
        (["one +", "two"], r"step 2 ends with none of \['\+', '-'\]: 'two'"),
        (["one +", ""], "step 2 ends with none"),
        (["one +", None], "step 2 ends with none"),
        ([SOLUTION, SOLUTION], "holds several solutions"),
        ([], r"holds \[\], not a list of steps"),
        (None, "holds None, not a list of steps"),
        ("one +", "holds 'one .', not a list of steps"),
    ],
)
@pytest.mark.parametrize("form", ["math-shepherd", "trl"])
def test_a_solution_that_is_not_marked_is_refused(form: Any, solution: Any, what: str) -> None:
    with pytest.raises(RowError, match=what):
        formatted(FormatPRM(format=form), solution)


@pytest.mark.parametrize("tags", [["+", ""], ["+", "+"], ["+", "++"]])
def test_tags_that_cannot_be_told_apart_are_a_mistake(tags: list[str]) -> None:
    assert "cannot be told apart" in next(iter(FormatPRM(tags=tags).check()))


def test_there_are_two_tags() -> None:
    with pytest.raises(BadParameters, match="at most 2 items"):
        FormatPRM(tags=["+", "-", "0"])
