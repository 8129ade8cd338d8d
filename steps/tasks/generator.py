"""What a generator task is: the start of a pipeline whose rows a model writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import PrivateAttr

from steps.base import GeneratorStep, Group, Row, Section
from steps.llms.base import Ask
from steps.tasks.base import Task
from steps.tasks.step_before import StepBefore


class GeneratorTask(Task, GeneratorStep):
    """Asks a model for rows.

    `seeds` yields what each request is about; a task of this kind defines it beside `format_input` and `format_output`, which
    get a seed where other tasks get a row. Seeds are rows like any other to the engine: what fails goes to the quarantine
    alone, and what was paid for is found again. Their columns end here: the rows that leave have those of `makes`.

    One that asks in rounds names this class first: `class Write(GeneratorTask, TaskInRounds)`.
    """

    group: ClassVar[Group] = "sources"
    section: ClassVar[Section] = "ask"
    PLACEMENT: ClassVar[frozenset[str]] = Task.PLACEMENT | GeneratorStep.PLACEMENT

    def seeds(self) -> Iterator[Row]:
        """What to ask about, one row per request: the same in every session, and no two alike."""
        raise NotImplementedError(f"{type(self).__name__}.seeds")

    def columns(self) -> list[str]:
        return self.makes()

    def columns_after(self, received: Sequence[str]) -> list[str]:
        return self.makes()

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        made = self.makes()
        return [{column: new[column] for column in made} for new in await super().answer(row, ask)]

    def generate(self) -> Iterator[Row]:
        """Ask here and now, one request after the other."""
        for seed in self.seeds():
            yield from self.process([seed])


class Seeds(StepBefore, GeneratorStep):
    """What a generator task asks about."""

    shares: ClassVar[tuple[str, ...]] = ("batch_size",)
    _task: GeneratorTask = PrivateAttr()

    def generate(self) -> Iterator[Row]:
        return self._task.seeds()

    def count(self) -> int | None:
        return self._task.count()
