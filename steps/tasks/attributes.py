"""Tasks that ask for data with attributes, such as a difficulty: those that are set, and others drawn by chance."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import Field
from pydantic.config import JsonDict

from steps.base import Row, Section
from steps.chances import chances
from steps.llms.base import Chat
from steps.tasks.base import Task
from steps.tasks.generator import GeneratorTask

LANGUAGES: JsonDict = {"examples": ["English", "Spanish", "Chinese", "Hindi", "Arabic", "French", "Swahili"]}
"""Any language may be named; these are shown."""

Difficulty = Literal["high school", "college", "PhD"]
SentenceDifficulty = Literal["elementary school", "high school", "college"]
Clarity = Literal["clear", "understandable with some effort", "ambiguous"]
Unit = Literal["sentence", "phrase", "passage"]
HighScore = Literal["4", "4.5", "5"]
LowScore = Literal["2.5", "3", "3.5"]


Language = Annotated[str, Field(min_length=1, description="Language of the texts.", json_schema_extra=LANGUAGES)]


class TaskWithAttributes(Task):
    """Asks for data with attributes.

    Each parameter of a subclass is an attribute that `prompt` names. One that is a choice and left empty is drawn for each
    row. What is drawn depends on the row and on `seed` alone: a row that is done again, or tried in a preview, gets the same.
    """

    section: ClassVar[Section] = "write"
    attributes: ClassVar[tuple[str, ...]] = ()
    """Parameters that the prompt names."""

    seed: int = Field(default=42, description="Another number draws other attributes.")

    def drawn(self, row: Row) -> dict[str, Any]:
        """The attributes of this row."""
        rng = chances(self.seed, row)
        options = _options(type(self))
        chosen = {name: rng.choice(options[name]) for name in options}  # drawn even if set: the others stay as they are then
        found = {name: getattr(self, name) for name in self.attributes}
        return {name: chosen[name] if value is None else value for name, value in found.items()}

    def format_input(self, row: Row) -> Chat:
        return super().format_input({**row, **self.drawn(row)})


class DataForTask(TaskWithAttributes):
    """Writes a training example for what `task` says, in one language."""

    inputs: ClassVar[tuple[str, ...]] = ("task",)

    language: Language = "English"


class GeneratorWithAttributes(TaskWithAttributes, GeneratorTask):
    """Asks for data with attributes, as often as it is told to."""

    section: ClassVar[Section] = "ask"

    num_rows: int = Field(default=1, ge=1, description="Requests. Each makes one row for each of `num_generations`.")

    def seeds(self) -> Iterator[Row]:
        return ({"number": number} for number in range(1, self.num_rows + 1))

    def count(self) -> int:
        return self.num_rows


@cache
def _options(task: type[TaskWithAttributes]) -> dict[str, tuple[Any, ...]]:
    """What may be drawn, by the name of the attribute."""
    found = {}
    for name in task.attributes:
        kinds = get_args(task.model_fields[name].annotation)
        for kind in kinds:
            if get_origin(kind) is Literal:
                found[name] = get_args(kind)
    return found
