"""What an entry of the catalogue is: plain data, so that command line, app and pages share it."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from flows.catalogue.docstrings import Paper


class Field(TypedDict):
    """A field of a class in words."""

    name: str
    type: str
    is_required: bool
    default: Any
    limits: str
    examples: list[Any]
    description: str


class Parameter(Field):
    """A parameter of a step, a model or a router."""

    model: str
    """Of which kind the model is that it holds; empty where it holds none."""
    is_of_every_task: bool


class Entry(TypedDict):
    """A step, a model or a router. Steps alone have columns, models alone have a kind."""

    name: str
    group: str
    section: str
    summary: str
    text: str
    papers: list[Paper]
    example: str
    import_line: str
    found_by: str
    """What a search looks through beside name, columns and summary: in small letters, without hyphens."""
    parameters: list[Parameter]
    works_on: NotRequired[str]
    """What a step gets; empty where it makes rows."""
    inputs: NotRequired[list[str]]
    inputs_vary: NotRequired[bool]
    optional_inputs: NotRequired[list[str]]
    outputs: NotRequired[list[str]]
    outputs_vary: NotRequired[bool]
    kind: NotRequired[str]
