"""Replies that are worth several rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from steps.base import Row


def unfolded(rows: Iterable[Row], columns: Sequence[str], *, is_grouped: bool = False) -> list[Row]:
    """A row for each item of the lists that stand in these columns, which are of the same length.

    `is_grouped`: each of them is a list of such lists, one of each generation.

    Example:
        >>> unfolded([{"task": ["a", "b"], "model_name": "m"}], ["task"])
        [{'task': 'a', 'model_name': 'm'}, {'task': 'b', 'model_name': 'm'}]
    """
    made = []
    for row in rows:
        lists = [list(chain.from_iterable(row[column])) if is_grouped else row[column] for column in columns]
        made += [{**row, **dict(zip(columns, items, strict=True))} for items in zip(*lists, strict=True)]
    return made
