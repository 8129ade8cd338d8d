"""What a global task is: one that asks about groups of rows, and needs all rows to know the groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar

from pydantic import PrivateAttr

from steps.base import Batch, GlobalStep, Row
from steps.llms.base import Ask
from steps.tasks.base import Task
from steps.tasks.step_before import StepBefore


class GlobalTask(Task, GlobalStep):
    """Asks a model about groups of rows.

    `prepare` gets all rows and gives each what its question needs, in columns that `prepared` names and that end here: names
    that begin with `distilflow_`, which no data has.
    Rows with the same question share one request and its reply.
    """

    shares_replies: ClassVar[bool] = True
    prepared: ClassVar[tuple[str, ...]] = ()

    def prepare(self, rows: Collection[Row]) -> Iterable[Row]:
        """The rows that go on, each with the `prepared` columns."""
        raise NotImplementedError(f"{type(self).__name__}.prepare")

    def checks_rows(self) -> bool:
        """No: a task checks a row when it asks about it, with what was prepared for it."""
        return False

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        made = await super().answer(row, ask)
        return [{column: value for column, value in new.items() if column not in self.prepared} for new in made]

    def process(self, rows: Collection[Row]) -> Batch:
        """Ask about all rows here and now."""
        return super().process(list(self.prepare(rows)))


class PreparedRows(StepBefore, GlobalStep):
    """All rows, each with what a global task asks about it."""

    shares: ClassVar[tuple[str, ...]] = ("input_mappings",)
    _task: GlobalTask = PrivateAttr()

    def needs(self) -> list[str]:
        return self._task.needs()

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        return self._task.prepare(rows)
