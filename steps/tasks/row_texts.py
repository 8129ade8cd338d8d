"""Texts of a row that a task puts into its prompts."""

from __future__ import annotations

from typing import Any

from steps.base import FILL_IT, Row, is_missing
from steps.errors import MissingValue, RowError


def text_in(row: Row, column: str) -> str:
    """What a column says. Numbers are written out.

    Raises:
        MissingValue: It is blank.
        RowError: It holds something that is no text.
    """
    text = as_text(row[column], column)
    if not text.strip():
        raise MissingValue(f"{column!r} is blank: {text!r}", FILL_IT)
    return text


def own_text(row: Row, column: str) -> str | None:
    """What a column says that rows may have; None for nothing.

    Raises:
        RowError: It holds something that is no text.
    """
    value = row.get(column)
    return None if is_missing(value) else as_text(value, column)


def as_text(value: Any, column: str) -> str:
    """A value of this column as text.

    Raises:
        RowError: It is none.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise RowError(f"{column!r} holds a {type(value).__name__}, not text", "name a column of texts in `input_mappings`")
