"""Rows out of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Row


class NumberedRows(GeneratorStep):
    """Starts from rows that hold nothing but their number.

    The place to begin where there is no data yet: the steps after it draw values for each row. The numbers make the rows
    differ, and equal rows would draw equal values.

    Example:
        >>> list(NumberedRows(num_rows=2).generate())
        [{'number': 1}, {'number': 2}]
    """

    rows_set_by: ClassVar[str] = "num_rows"

    num_rows: int = Field(default=100, ge=1, description="Rows to make.")
    start: int = Field(default=1, description="Number of the first row. Other numbers draw other values.")
    column: str = Field(default="number", min_length=1, description="Column with the number.")

    def generate(self) -> Iterator[Row]:
        return self.generate_again(0)

    def generate_again(self, round_number: int) -> Iterator[Row]:
        """Further numbers: the steps after it would draw the same values for the same ones."""
        first = self.start + round_number * self.num_rows
        return ({self.column: number} for number in range(first, first + self.num_rows))

    def count(self) -> int:
        return self.num_rows

    def columns(self) -> list[str]:
        return [self.column]
