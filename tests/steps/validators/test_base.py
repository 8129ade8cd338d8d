from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row, rename_out
from steps.errors import MissingKey
from steps.validators.base import Validator


class Short(Validator):
    """Takes texts of up to three characters."""

    def problem(self, text: str) -> str | None:
        return None if len(text) <= 3 else "it is too long"


def _said(value: Any, **params: Any) -> list[Row]:
    return Short(column="x", **params).process([{"x": value}])


def test_a_valid_and_an_invalid_row_are_marked() -> None:
    assert _said("abc") == [{"x": "abc", "x_is_valid": True, "x_problem": None}]
    assert _said("abcd") == [{"x": "abcd", "x_is_valid": False, "x_problem": "it is too long"}]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "there is nothing in it"),
        (float("nan"), "there is nothing in it"),
        ("", "there is nothing in it"),
        (["a"], "it is a list, not text"),
        (True, "it is a bool, not text"),
        (12345, "it is too long"),
        (12, None),
    ],
)
def test_whatever_the_column_holds_there_is_a_word_for_it(value: Any, problem: str | None) -> None:
    assert _said(value)[0]["x_problem"] == problem


def test_invalid_rows_are_left_out_where_that_is_wished() -> None:
    assert _said("abcd", drop=True) == []
    assert [row["x"] for row in _said("abc", drop=True)] == ["abc"]
    assert (Short().may_change_rows(), Short(drop=True).may_change_rows()) == (False, True)


def test_the_new_columns_may_get_other_names() -> None:
    step = Short(column="x", output_mappings={"x_is_valid": "ok"})
    [row] = step.process([{"x": "a"}])

    assert rename_out(row, {"x": "a"}, step) == {"x": "a", "ok": True, "x_problem": None}


def test_a_row_without_the_column_is_refused() -> None:
    with pytest.raises(MissingKey, match="no 'x'"):
        Short(column="x").process([{}])
