from __future__ import annotations

import pytest

from steps.errors import RowError
from steps.validators.validate_regex import ValidateRegex


@pytest.mark.parametrize(
    ("pattern", "whole", "text", "problem"),
    [
        (r"\d+", True, "123", None),
        (r"\d+", True, "a123", r"it does not match '\\d+'"),
        (r"\d+", False, "a123", None),
        (r"\d+", False, "abc", r"nothing in it matches '\\d+'"),
        (r"(?i)YES", True, "yes", None),
        (r"a.*b", True, "a\nb", "it does not match 'a.*b'"),
    ],
)
def test_a_text_matches_or_does_not(pattern: str, whole: bool, text: str, problem: str | None) -> None:
    [row] = ValidateRegex(column="x", pattern=pattern, whole=whole).process([{"x": text}])

    assert (row["x_is_valid"], row["x_problem"]) == (problem is None, problem)


def test_a_row_that_takes_too_long_is_refused_alone() -> None:
    step = ValidateRegex(column="x", pattern="(a|aa)+$", timeout_s=0.2)

    with pytest.raises(RowError, match="not known after"):
        step.process([{"x": "a" * 100 + "b"}])
    assert step.process([{"x": "aa"}])[0]["x_is_valid"]


def test_a_pattern_that_is_none_is_told_before_the_run() -> None:
    assert [str(complaint) for complaint in ValidateRegex(pattern="[a").check()] == [
        "pattern: unterminated character set at position 2"
    ]
