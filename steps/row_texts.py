"""Texts of rows, as all steps read them: numbers are written out, anything else is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steps.base import FILL_IT, Row, is_missing, require_values
from steps.errors import MissingValue, RowError


def texts_in(rows: Sequence[Row], column: str) -> list[str]:
    """What a column says in each of these rows.

    Raises:
        MissingKey, MissingValue, RowError: One of them has no text there.
    """
    values = [row.get(column) for row in rows]
    if set(map(type, values)) == {str}:  # most often, and much faster to tell for all rows than for each
        return values  # type: ignore[return-value] # the line above says so, not in mypy's words
    return [text_in(row, column) for row in rows]


def text_in(row: Row, column: str) -> str:
    """What a column says, which may be nothing but blanks.

    Raises:
        MissingKey, MissingValue: There is nothing, not even that.
        RowError: It holds something that is no text.
    """
    value = row.get(column)
    if isinstance(value, str):
        return value
    require_values(row, [column])
    return as_text(value, column)


def filled_text_in(row: Row, column: str) -> str:
    """What a column says that must say something.

    Raises:
        MissingKey, MissingValue: It is blank, or there is nothing.
        RowError: It holds something that is no text.
    """
    text = text_in(row, column)
    if not text.strip():
        raise MissingValue(f"column {column!r} is blank: {text!r}", FILL_IT)
    return text


def own_text(row: Row, column: str) -> str | None:
    """What a column says that rows may have; None for nothing.

    Raises:
        RowError: It holds something that is no text.
    """
    value = row.get(column)
    if value is None or isinstance(value, str):
        return value
    return None if is_missing(value) else as_text(value, column)


def as_text(value: Any, column: str) -> str:
    """A value of this column as text.

    Raises:
        RowError: It is none.
    """
    if isinstance(value, str):
        return value
    if is_number(value):
        return str(value)
    what = f"column {column!r} holds a {type(value).__name__}, not text"
    raise RowError(what, "name a column of texts: in a parameter of the step, or in `input_mappings`")


def is_number(value: Any) -> bool:
    """Whether a value is a number that can be written out. True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not is_missing(value)
