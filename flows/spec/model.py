"""The pipeline as data: what canvas, YAML, Python, command line and Hub all share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from flows.spec.text import write_yaml
from steps.base import StepResources
from steps.errors import SpecError

NAME = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,79}\z"
MAX_STEPS = 10_000
MAX_MAPPINGS = 1_000


class StepSpec(BaseModel):
    """One step of a pipeline: what it is, what it comes after, its parameters and its place."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, ser_json_inf_nan="constants")

    name: str = Field(pattern=NAME)
    use: str = Field(max_length=300)
    after: list[str] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    input_mappings: dict[str, str] = Field(default_factory=dict, max_length=MAX_MAPPINGS)
    output_mappings: dict[str, str] = Field(default_factory=dict, max_length=MAX_MAPPINGS)
    pool: str | None = None
    batch_size: int | None = Field(default=None, ge=1)
    resources: StepResources | None = None

    @field_validator("after", mode="before")
    @classmethod
    def _one_name_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class RouterSpec(BaseModel):
    """How a step's batches are shared among the steps after it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, ser_json_inf_nan="constants")

    use: str = Field(max_length=300)
    params: dict[str, Any] = Field(default_factory=dict, alias="with")


class GroupSpec(BaseModel):
    """Steps that are drawn as one."""

    model_config = ConfigDict(extra="forbid")

    steps: list[str] = Field(default_factory=list)
    is_open: bool = False


class CanvasSpec(BaseModel):
    """How a pipeline is drawn; nothing that runs depends on it. What is not said here is laid out by itself."""

    model_config = ConfigDict(extra="forbid")

    positions: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """Left and top edge of steps and groups that were moved by hand, in pixels."""
    groups: dict[str, GroupSpec] = Field(default_factory=dict)


class PipelineSpec(BaseModel):
    """A pipeline: named steps that form a graph without cycles."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, ser_json_inf_nan="constants")

    distilflow: Literal[1] = 1
    name: str = Field(default="pipeline", pattern=NAME)
    description: str | None = None
    steps: list[StepSpec] = Field(default_factory=list, max_length=MAX_STEPS)
    routing: dict[str, RouterSpec] = Field(default_factory=dict)
    canvas: CanvasSpec = Field(default_factory=CanvasSpec)

    _unread: dict[str, set[str]] = PrivateAttr(default_factory=dict)

    @property
    def unread(self) -> dict[str, set[str]]:
        """Keys that could not be read, by step ("" for the pipeline's own): nothing that follows from them is a mistake."""
        return self._unread

    def read_as(self, steps: list[StepSpec], unread: dict[str, set[str]]) -> Self:
        """This pipeline with other steps, and what could not be read of them."""
        changed = self.model_copy(update={"steps": steps})
        changed._unread = unread
        return changed

    def step(self, name: str) -> StepSpec:
        """The step of this name.

        Raises:
            KeyError: There is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def names(self) -> list[str]:
        return [step.name for step in self.steps]

    def to_dict(self) -> dict[str, Any]:
        """Plain data with only what was set: what `spec_from` reads back exactly.

        Raises:
            SpecError: A parameter is something that no file can hold.
        """
        try:
            dumped = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        except (ValueError, RecursionError) as error:  # half of a character, a class of one's own, a list inside itself
            raise SpecError(
                f"a parameter cannot be written to a file: {error}", "use text, numbers, lists, mappings"
            ) from error
        return {"distilflow": 1, **dumped}

    def to_yaml(self) -> str:
        """The YAML text that `read_spec` reads back exactly.

        Raises:
            SpecError: It holds what no pipeline file can: other types, or more than one may have.
        """
        data = self.to_dict()
        for step in data.get("steps", []):
            if len(step.get("after", ())) == 1:
                step["after"] = step["after"][0]
        return write_yaml(data)

    def save(self, path: Path) -> None:
        path.write_text(self.to_yaml(), encoding="utf-8")
