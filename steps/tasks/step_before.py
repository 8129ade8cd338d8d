"""The step that goes before a task of several parts, and gets ready what it asks about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr

from steps.base import BaseStep
from steps.tasks.base import Task


class StepBefore(BaseStep):
    """Does what a task has to do before it asks. In a run the two work in different processes."""

    shares: ClassVar[tuple[str, ...]] = ()
    """Parameters that it takes over from the task."""
    _task: Any = PrivateAttr()

    @classmethod
    def of(cls, task: Task, name: str) -> Self:
        made = cls(name=name, **{parameter: getattr(task, parameter) for parameter in cls.shares})
        made._task = task.model_copy()  # a task of its own, as in a run
        return made

    def keep_artifacts_in(self, folder: Path | None) -> None:
        self._task.keep_artifacts_in(folder)
