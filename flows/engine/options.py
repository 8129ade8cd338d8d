"""What a run is asked for beside its pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from flows.plan.grouping import SEQUENTIAL, LoadGroups, Sequential
from steps.base import BaseStep

AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
"""Counts from where it was given, wherever it is used."""


def _groups(given: Any) -> Any:
    """The groups as they may be written: names with commas between on the command line, names or steps in Python."""
    if given in (SEQUENTIAL, [SEQUENTIAL]):
        return SEQUENTIAL
    if not isinstance(given, (list, tuple)):
        return given
    split = (group.replace(",", " ").split() if isinstance(group, str) else group for group in given)
    return [[one.name if isinstance(one, BaseStep) else one for one in group] for group in split]


class RunOptions(BaseModel):
    """What a run is asked for beside its pipeline.

    Plain data: it travels whole from the command line, Python or Prefect to the engine and its workers, and is remembered in
    the report, so that a run that goes on is asked for the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rows: int | None = Field(default=None, ge=1)
    """Rows taken of each source; None for all."""
    output: AbsolutePath | None = None
    """Folder for the Distiset; None for the run's own."""
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """USD that it may spend, in all its sessions; None for as much as it takes."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Tokens, of input and output together, that it may use in all its sessions."""
    reuse: tuple[AbsolutePath, ...] = ()
    """Folders of other runs whose finished rows are taken over."""
    journals: tuple[AbsolutePath, ...] = ()
    """Journals of other runs, folders or files: what they hold is not asked for again."""
    load_groups: Annotated[LoadGroups | Sequential, BeforeValidator(_groups)] = ()
    """Steps that work one group after the other; the others work beside all of them."""
    is_replay: bool = False
    """Whether models that cost something are not reached: the journals answer for them, or nobody does."""

    def changed(self, given: dict[str, Any]) -> Self:
        """These options with those that are given now; None and what is empty say nothing.

        Raises:
            ValidationError: A value cannot be.
        """
        said = {name: value for name, value in given.items() if value not in (None, "", [], ())}
        return type(self).model_validate({**self.model_dump(), **said})
