from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.errors import MissingKey, RowError
from steps.filters.filter_length import FilterLength
from steps.filters.filter_rows import FilterRows


@pytest.mark.parametrize(
    ("condition", "row", "is_kept"),
    [
        ("rating >= 4", {"rating": 4}, True),
        ("rating >= 4", {"rating": 3}, False),
        ("keep", {"keep": True}, True),
        ("keep", {"keep": None}, False),
        ("not keep", {"keep": False}, True),
        ("language in ['en', 'de'] and text|length < 5", {"language": "de", "text": "Hund"}, True),
        ("ratings|max > 3", {"ratings": [1, 2]}, False),
        ("reply is not none", {"reply": None}, False),
        ("meta.score > 1", {"meta": {"score": 2}}, True),
        ("text == '}}'", {"text": "}}"}, True),
        ("text.startswith('a') and 3 in range(5)", {"text": "ab"}, True),
    ],
)
def test_the_rows_that_meet_the_condition_go_on(condition: str, row: Row, is_kept: bool) -> None:
    assert FilterRows(condition=condition).process([row]) == ([row] if is_kept else [])


@pytest.mark.parametrize(
    ("condition", "row", "what"),
    [
        ("rating >= 4", {"rating": None}, "cannot be worked out: '>=' not supported"),
        ("rating", {"rating": 4}, "comes to 4, neither true nor false"),
        ("meta.score", {"meta": {}}, "neither true nor false"),
        ("meta.score > 1", {"meta": {}}, "has no attribute 'score'"),
        ("text.__class__ == 1", {"text": "x"}, "unsafe"),
        ("text.format.__globals__ == 1", {"text": "x"}, "unsafe"),
    ],
)
def test_a_row_for_which_the_condition_says_nothing_is_refused(condition: str, row: Row, what: str) -> None:
    with pytest.raises(RowError, match=what):
        FilterRows(condition=condition).process([row])


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(MissingKey, match="no 'rating'"):
        FilterRows(condition="rating >= 4").process([{"text": "x"}])


def test_the_columns_of_the_condition_are_needed() -> None:
    assert FilterRows(condition="rating >= 4 and range(2)|length < n").needs() == ["n", "rating"]


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("rating >=", "cannot be read"),
        ("{{ rating }}", "cannot be read"),
        ("rating }} {{ x", "cannot be read"),
        ("rating|nope", "there is no filter 'nope'"),
        ("text|lenght > 3", "there is no filter 'lenght'. Did you mean 'length'?"),
        ("rating is evn", "there is no test 'evn'. Did you mean 'even'?"),
        ("len(text) > 3", "there is no function 'len'; there are filters: text|length"),
        ("rating > 1 and upper(text.strip()) == 'A'", "there is no function 'upper'; there are filters: column|upper"),
        ("(" * 5000, "cannot be read"),
        ("'rating' == 4", "names no column"),
        (" ", "cannot be read"),
    ],
)
def test_a_condition_that_says_nothing_is_told_before_the_run(condition: str, what: str) -> None:
    step = FilterRows(condition=condition)

    [(said, fix)] = [complaint for complaint in step.check() if isinstance(complaint, tuple)]

    assert what in said
    assert fix
    assert step.needs() == []


def test_it_works_after_any_filter() -> None:
    marked = FilterLength(min_length=2).process([{"text": "a"}, {"text": "ab"}])

    made = FilterRows(condition="keep_row_after_length_filtering").process(marked)

    assert [row["text"] for row in made] == ["ab"]
    assert FilterRows(condition="x").may_change_rows()


def test_nothing_is_wrong_with_a_good_condition() -> None:
    step: Any = FilterRows(condition="rating >= 4")

    assert list(step.check()) == []
