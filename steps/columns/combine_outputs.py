"""Branches side by side."""

from __future__ import annotations

from collections.abc import Sequence

from steps.base import JoinStep, Row
from steps.columns.joins import merged_metadata


class CombineOutputs(JoinStep):
    """Puts the columns that several branches made of a row into one row.

    Where branches disagree about a column, the last one wins: give each its own name with output mappings.

    Example:
        >>> CombineOutputs().combine([{"text": "hi", "topic": "greeting"}, {"text": "hi", "length": 2}])
        {'text': 'hi', 'topic': 'greeting', 'length': 2}
    """

    def combine(self, rows: Sequence[Row]) -> Row:
        return {column: value for row in rows for column, value in row.items()} | merged_metadata(rows)
