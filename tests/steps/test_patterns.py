from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.errors import RowError
from steps.patterns import fits, pattern_problem


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{4}-\d{2}-\d{2}",
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"(?i)yes|no",
        r"\{5\}[{]3}",
        r"a{1,9999}",
        "x" * 5000,
        r"[^]]{3}",
        r"\\\(?R\)",
        r"\(?1\)",
    ],
)
def test_usual_patterns_are_fine(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("[a", "unterminated character set"),
        ("(a", "missing )"),
        ("((a{1000}){1000}){1000}", "1,000,000,000 parts"),
        (r"(?:(?=\b){1000}){1000}", "parts, of at most 100,000"),
        ("a{99999999999999999999}", "parts, of at most"),
        ("a" * 10_001, "10,001 characters"),
        ("(" * 3000 + "a" + ")" * 3000, "nested too deep"),
        ("(?R)", "calls a part of itself: (?R)"),
        (r"(?P<a>x(?&a)?)", "calls a part of itself: (?&a)"),
    ],
)
def test_a_pattern_that_is_wrong_or_too_large_is_told_at_once(pattern: str, said: str) -> None:
    assert said in (pattern_problem(pattern) or "")


@given(st.text(alphabet="ab()[]{}\\^$*+?.,|0123456789-:<>=!#", max_size=40))
def test_any_pattern_is_judged(pattern: str) -> None:
    problem = pattern_problem(pattern)

    assert problem is None or problem


def test_a_match_that_takes_forever_is_given_up() -> None:
    with pytest.raises(RowError, match=r"not known after 0\.2 s"):
        fits("(a|aa)+$", "a" * 100 + "b", whole=True, seconds=0.2)


def test_all_of_a_text_or_something_in_it() -> None:
    assert fits("b+", "abbc", whole=False)
    assert not fits("b+", "abbc", whole=True)
    assert fits("🦆.", "🦆\ud83e", whole=True)
