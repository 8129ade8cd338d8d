"""What a label project is about: its question, its rounds, and where it came from. It is kept in `project.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.labelling.disk import disk
from flows.labelling.log import write_durably
from steps.errors import RunError
from steps.labels.questions import Question
from steps.labels.strategy_names import StrategyChoice
from steps.wording import quoted

ROUND_SIZE = 40
"""Items of a round: what a person reviews in about half an hour."""


class Round(BaseModel):
    """Items that are reviewed together, and the version of the strategy that chose them (0 for none)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    items: list[str]
    version: int = 0
    opened_at: str = ""
    closed_at: str = ""


class About(BaseModel):
    """The settings of a project."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    distilflow_labels: Literal[1] = 1
    """Version of the format."""
    name: str
    id: str = ""
    """Drawn when the project was made: another project of its name has another one."""
    question: Question = Question()
    shown: list[str] = Field(default_factory=list)
    """Columns of an item that are shown; empty for all."""
    topic: str = ""
    """The column that parts items into segments; empty for none."""
    strategy: StrategyChoice = "auto"
    round_size: int = Field(default=ROUND_SIZE, ge=1, le=1000)
    made_from: str = ""
    created_at: str = ""
    rounds: list[Round] = Field(default_factory=list)

    @property
    def open_round(self) -> Round | None:
        """The round that is reviewed now."""
        return self.rounds[-1] if self.rounds and not self.rounds[-1].closed_at else None

    @property
    def identity(self) -> tuple[str, str]:
        """Differs from that of any other project, whatever its name."""
        return self.id, self.created_at

    def encoded(self) -> bytes:
        """As `project.json` has it."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    def save(self, path: Path) -> None:
        """
        Raises:
            DiskError: It cannot be written; the old one is as it was.
        """
        with disk(f"the settings of label project {quoted(self.name)} were not kept"):
            write_durably(path, self.encoded())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            RunError: There is no such file, or it holds no project.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            what = f"label project {quoted(path.parent.name)} cannot be read: {path.name}: {error.strerror}"
            raise RunError(what, "put the file back, or make the project anew") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            what = f"label project {quoted(path.parent.name)}: {path.name} holds no project: {where}: {first['msg']}"
            raise RunError(what, f"mend {path}, or put back a copy of it") from None
