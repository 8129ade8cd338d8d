"""Random rows of the same form as one that a step accepts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from steps.base import Row

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " \n", "🦆 ünï", "\x00", "\ud83e", "{instruction} {{ x }}", "[RESULT] 3", '{"', "</text>", "```\n"]),
)
NUMBERS = st.one_of(st.integers(-3, 9), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


def alike(row: Row) -> SearchStrategy[Row]:
    """Rows with the same columns: other texts and numbers in them, and lists of any length."""
    return st.fixed_dictionaries({column: _values(value) for column, value in row.items()})


def _values(value: Any) -> SearchStrategy[Any]:
    match value:
        case str():
            return st.one_of(st.just(value), TEXTS)
        case bool():
            return st.booleans()
        case int() | float():
            return st.one_of(st.just(value), NUMBERS)
        case list() if value:
            return st.one_of(st.just(value), st.tuples(*map(_values, value)).map(list), _lists(value))
        case dict():
            return st.one_of(st.just(value), st.fixed_dictionaries({key: _values(inner) for key, inner in value.items()}))
    return st.just(value)


def _lists(value: list[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(st.one_of(*map(_values, value)), max_size=9)
