"""What steps share that draw a value for each row."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require, require_values
from steps.chances import chances


class Sampler(Step):
    """Adds a column with a value that is drawn at random.

    A draw depends on the seed, the name of the column and all that the row holds. So a row that is done again gets the same
    value, and equal rows get equal values: number them (`NumberedRows`).
    """

    group: ClassVar[Group] = "samplers"

    column: str = Field(min_length=1, description="Column that gets the value.", examples=["drawn"])
    seed: int = Field(default=42, description="Another number draws other values.")

    def draw(self, row: Row, rng: Random) -> Any:
        """The value for this row."""
        raise NotImplementedError(f"{type(self).__name__}.draw")

    def columns_of(self, value: Any) -> Row:
        """The columns that hold a value."""
        return {self.column: value}

    def makes(self) -> list[str]:
        return [self.column]

    def process(self, batch: Batch) -> Batch:
        return [{**row, **self.columns_of(self._drawn(row))} for row in batch]

    def _drawn(self, row: Row) -> Any:
        require(row, self.needs())
        return self.draw(row, chances(self.seed, row, self.column))


def named(row: Row, column: str) -> str:
    """The value of a column as the keys of a mapping in a pipeline write it: as text.

    Raises:
        MissingKey, MissingValue: There is none.
    """
    require_values(row, [column])
    value = row[column]
    return str(value).lower() if isinstance(value, bool) else str(value)
