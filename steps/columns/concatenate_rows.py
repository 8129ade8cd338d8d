"""Branches one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from steps.base import GlobalStep, Group, Row


class ConcatenateRows(GlobalStep):
    """Puts the rows of several branches one after the other, as they are.

    Rows come in the order of `after`: all of the first branch, then all of the second. The branches may begin in different
    sources and differ in length; nothing is matched. A column that only some branches have is None in the rows of the others.

    Example:
        >>> rows = [{"item": "a", "label": "good"}, {"item": "a", "label": "bad", "confidence": 0.7}]
        >>> list(ConcatenateRows().process(rows))[0]
        {'item': 'a', 'label': 'good', 'confidence': None}
    """

    group: ClassVar[Group] = "columns"
    matches_branches: ClassVar[bool] = False
    keeps_every_row: ClassVar[bool] = True

    def process(self, rows: Collection[Row]) -> Iterator[Row]:
        columns = dict.fromkeys(column for row in rows for column in row)
        return ({column: row.get(column) for column in columns} for row in rows)
