"""What a form is: fields, each with its place in the data of a step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, Literal
from zlib import crc32

Kind = Literal["text", "area", "number", "slider", "choice", "flag", "list", "rows", "yaml", "secret", "note"]
Part = Literal["own", "model", "sampling", "connection", "replies", "placement", "mapping", "router"]
MODEL_PARTS: tuple[Part, ...] = ("model", "sampling", "connection")
ROUTER = ("router", "use")
UNSET: Any = object()
"""What `read_entry` returns when the parameter is to be left out of the pipeline."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One parameter as a field. `path` leads to it in the data of the step; `shown` is what the field says now."""

    path: tuple[str, ...]
    label: str
    kind: Kind
    part: Part
    shown: Any = None
    info: str = ""
    default: Any = UNSET
    choices: tuple[tuple[str, str], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    is_integer: bool = False
    takes_text_or_list: bool = False
    placeholder: str = ""
    is_set: bool = False
    """For secrets: whether the variable is set."""

    @property
    def id(self) -> str:
        """Of its own for each field of a form, whatever columns are called."""
        text = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(self.path)).strip("-").lower()
        is_plain = all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", part) for part in self.path)
        return text if is_plain else f"{text}-{crc32(repr(self.path).encode()):08x}"


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A parameter that holds a model: its name, which class is chosen, and which could be."""

    name: str
    title: str
    use: str
    summary: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepForm:
    """The form of one step."""

    step: str
    use: str
    fields: list[FormField] = made(default_factory=list)
    models: tuple[ModelPlace, ...] = ()
    placement_note: str = ""
    mapping_note: str = ""
    doc: str = ""

    @property
    def choices(self) -> dict[str, str]:
        """Classes that the form depends on: of each model, by its place, and of the router."""
        router = next((entry.shown for entry in self.part("router") if entry.path == ROUTER), None)
        return {**{place.name: place.use for place in self.models}, **({} if router is None else {"router": router})}

    def ids(self) -> list[str]:
        """The fields, by their `FormField.id`; the choice of a model goes by its place."""
        return [*(place.name for place in self.models), *(entry.id for entry in self.fields)]

    def part(self, *parts: Part) -> list[FormField]:
        return [entry for entry in self.fields if entry.part in parts]

    def of_model(self, place: ModelPlace, *parts: Part) -> list[FormField]:
        return [entry for entry in self.part(*parts) if entry.path[1] == place.name]
