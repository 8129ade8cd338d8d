"""Several columns as one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, naming_missing


class MergeColumns(Step):
    """Merges several columns of a row into one list and drops them.

    Lists are joined end to end; other values become items.

    Example:
        >>> MergeColumns(columns=["best", "rest"], output_column="all").process([{"best": "a", "rest": ["b", "c"]}])
        [{'all': ['a', 'b', 'c']}]
    """

    group: ClassVar[Group] = "columns"

    columns: list[str] = Field(
        min_length=1, description="Columns to merge, in this order.", examples=[["generation", "reference"]]
    )
    output_column: str | None = Field(
        default=None, description="Name of the list; empty for merged_column.", examples=["generations"]
    )

    def needs(self) -> list[str]:
        return list(self.columns)

    def makes(self) -> list[str]:
        return [self.output_column or "merged_column"]

    def columns_after(self, received: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*(column for column in received if column not in self.columns), *self.makes()]))

    def process(self, batch: Batch) -> Batch:
        columns, [name] = self.columns, self.makes()
        with naming_missing(batch, columns):
            return [_merged(row, columns, name) for row in batch]


def _merged(row: Row, columns: list[str], name: str) -> Row:
    merged: list[Any] = []
    others = row.copy()
    for column in columns:
        value = row[column]
        if isinstance(value, list):
            merged += value
        else:
            merged.append(value)
        others.pop(column, None)
    others[name] = merged
    return others
