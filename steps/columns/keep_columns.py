"""Fewer columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from steps.base import Batch, Group, Step, naming_missing


class KeepColumns(Step):
    """Keeps the columns you name, in that order, and drops the others.

    With `output_mappings: {text: prompt}` it renames one of them: the column `text` leaves as `prompt`.

    Example:
        >>> KeepColumns(columns=["text"]).process([{"id": 7, "text": "hello"}])
        [{'text': 'hello'}]
    """

    group: ClassVar[Group] = "columns"

    columns: list[str] = Field(min_length=1, description="Columns to keep.", examples=[["instruction", "generation"]])

    def needs(self) -> list[str]:
        return list(self.columns)

    def columns_after(self, received: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self.columns))

    def process(self, batch: Batch) -> Batch:
        columns = self.columns
        with naming_missing(batch, columns):
            return [{column: row[column] for column in columns} for row in batch]
