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
        return list(self._names().values())

    def _names(self) -> dict[str, str]:
        return self.columns if isinstance(self.columns, dict) else {column: column for column in self.columns}

    def process(self, batch: Batch) -> Batch:
        return [expanded for row in batch for expanded in self._expand(row)]

    def _expand(self, row: Row) -> Batch:
        names = self._names()
        try:
            lists = [self._list(column, row[column]) for column in names]
        except KeyError:
            require(row, self.columns)
            raise
        count = len(lists[0])
        if any(len(items) != count for items in lists):
            lengths = dict(zip(names, map(len, lists), strict=True))
            raise RowError(f"the lists are not equally long: {lengths}", "expand them in steps of their own")
        made = [row.copy() for _ in range(count)]
        for new, items in zip(names.values(), lists, strict=True):
            for expanded, item in zip(made, items, strict=True):
                expanded[new] = item
        if self.split_statistics:
            for at, expanded in enumerate(made):
                expanded |= _share(row, at, count)
        return made

    def _list(self, column: str, value: Any) -> list[Any]:
        if isinstance(value, str) and (self.encoded if isinstance(self.encoded, bool) else column in self.encoded):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                raise RowError(f"column {column!r} is not JSON: {error}", "take it out of `encoded`") from error
        if not isinstance(value, list):
            raise RowError(f"column {column!r} holds {str(value)[:60]!r}, not a list", "only lists can be expanded")
        return value


def _share(row: Row, at: int, count: int) -> Row:
    """Metadata of the `at`-th of `count` rows: its part of each number under `statistics_<step>`."""
    metadata = row.get(METADATA)
    if not isinstance(metadata, dict):
        return {}
    return {METADATA: {k: _part(v, at, count) if k.startswith("statistics_") else v for k, v in metadata.items()}}


def _part(value: Any, at: int, count: int) -> Any:
    match value:
        case dict():
            return {key: _part(inner, at, count) for key, inner in value.items()}
        case list():
            return [_part(inner, at, count) for inner in value]
        case bool():
            return value
        case int():
            return value // count + (at < value % count)  # whole numbers that add up to the original
        case float():
            return value / count
    return value
