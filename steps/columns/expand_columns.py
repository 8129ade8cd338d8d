"""Lists as rows."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from pydantic import Field

from steps.base import METADATA, Batch, Group, Row, Step, require
from steps.errors import RowError


class ExpandColumns(Step):
    """Turns lists into rows of their own: one row for each item.

    Several columns are taken apart together, so their lists must be equally long in each row. Under a new name, the
    list itself stays where it was. A row with empty lists is dropped.

    Example:
        >>> ExpandColumns(columns=["text"]).process([{"id": 7, "text": ["a", "b"]}])
        [{'id': 7, 'text': 'a'}, {'id': 7, 'text': 'b'}]
    """

    group: ClassVar[Group] = "columns"
    changes_rows: ClassVar[bool] = True

    columns: list[str] | dict[str, str] = Field(
        min_length=1,
        description="Columns with lists; as {list: item} to give the items a name of their own.",
        examples=[["instructions"]],
    )
    encoded: bool | list[str] = Field(default=False, description="Lists are JSON text: in all columns, or in these.")
    split_statistics: bool = Field(default=False, description="Share a row's token counts among the new rows.")

    def needs(self) -> list[str]:
        return list(self.columns)

    def makes(self) -> list[str]:
        return list(self._names())

    def _names(self) -> list[str]:
        """What the items are called, in the order of the lists."""
        return list(self.columns.values()) if isinstance(self.columns, dict) else self.columns

    def process(self, batch: Batch) -> Batch:
        return [expanded for row in batch for expanded in self._expand(row)]

    def _expand(self, row: Row) -> Batch:
        lists = [self._list(row, column) for column in self.columns]
        if len(lists) > 1 and len(set(map(len, lists))) > 1:
            lengths = dict(zip(self.columns, map(len, lists), strict=True))
            raise RowError(f"the lists are not equally long: {lengths}", "expand them in steps of their own")
        names = self._names()
        made = [{**row, names[0]: item} for item in lists[0]]
        for new, items in zip(names[1:], lists[1:], strict=True):
            for expanded, item in zip(made, items, strict=True):
                expanded[new] = item
        if self.split_statistics and made and isinstance(metadata := row.get(METADATA), dict):
            for expanded, share in zip(made, _shares(metadata, len(made)), strict=True):
                expanded[METADATA] = share
        return made

    def _list(self, row: Row, column: str) -> list[Any]:
        value = row.get(column)
        if isinstance(value, str) and (self.encoded if isinstance(self.encoded, bool) else column in self.encoded):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                raise RowError(f"column {column!r} is not JSON: {error}", "take it out of `encoded`") from error
        if not isinstance(value, list):
            require(row, self.columns)
            raise RowError(f"column {column!r} holds {str(value)[:60]!r}, not a list", "only lists can be expanded")
        return value


def _shares(metadata: Row, count: int) -> list[Row]:
    """The metadata for each of `count` rows: its part of each number under `statistics_<step>`."""
    first, last = (_share(metadata, at, count) for at in (0, count - 1))
    if first == last:  # every number could be divided, and nobody writes to what a row holds
        return [first] * count
    return [first, *(_share(metadata, at, count) for at in range(1, count))]


def _share(metadata: Row, at: int, count: int) -> Row:
    return {k: _part(v, at, count) if k.startswith("statistics_") else v for k, v in metadata.items()}


def _part(value: Any, at: int, count: int) -> Any:
    kind = type(value)
    if kind is int:
        return value // count + (at < value % count)  # whole numbers that add up to the original
    if kind is list:
        return [_part(inner, at, count) for inner in value]
    if kind is dict:
        return {key: _part(inner, at, count) for key, inner in value.items()}
    return value / count if kind is float else value
