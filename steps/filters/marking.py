"""What filters and checks share: they mark the rows to keep in a column, or leave the others out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from steps.base import BaseStep, Batch, Group, Row, Step
from steps.errors import RowError


class Marking(BaseStep):
    """Says of each row whether it is kept. Without `drop` all rows go on, with what was said in a column."""

    group: ClassVar[Group] = "filters"
    mark: ClassVar[str] = ""
    """Column with what was said. Rows that are dropped need none, so there is none then. Empty where other columns say it."""

    drop: bool = Field(default=False, description="Leave out the rows that would be marked false.")

    def makes(self) -> list[str]:
        return [*self.outputs, *([self.mark] if self.mark and not self.drop else [])]

    def marked(self, row: Row, is_kept: bool, columns: Row | None = None) -> Batch:
        """The row with these columns and its mark; no row if it is dropped."""
        if self.drop and not is_kept:
            return []
        made = {**row, **(columns or {})}
        if self.mark and not self.drop:
            made[self.mark] = is_kept
        return [made]


class RowFilter(Marking, Step):
    """A filter that looks at one row at a time."""

    def may_change_rows(self) -> bool:
        return self.drop

    def judge(self, row: Row) -> tuple[bool, Row]:
        """Whether the row is kept, and the columns that say more."""
        raise NotImplementedError(f"{type(self).__name__}.judge")

    def process(self, batch: Batch) -> Batch:
        return [made for row in batch for made in self.marked(row, *self.judge(row))]


@contextmanager
def at_row(number: int) -> Iterator[None]:
    """Say which row is wrong. In a run `check_row` refused those that are wrong by themselves: what is left ends it."""
    try:
        yield
    except RowError as error:
        raise type(error)(f"row {number + 1} of those that come here: {error.message}", error.fix) from error
