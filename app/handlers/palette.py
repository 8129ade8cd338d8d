"""The palette: every step there is, with what a search looks for."""

from __future__ import annotations

from functools import cache
from typing import TypedDict

from app.handlers.outline import icon_of
from app.handlers.schema_fields import as_yaml
from flows.catalogue import Paper, describe_all, example_params
from steps import registry
from steps.base import BaseStep, GeneratorStep
from steps.tasks.base import Task

KINDS = {
    "sources": "Sources",
    "samplers": "Draw at random",
    "ask": "Ask a model",
    "columns": "Columns",
    "filters": "Filters",
    "formats": "Formats",
    "labels": "Labels",
    "sinks": "Results",
    "other": "Others",
}


class PaletteEntry(TypedDict):
    """One step that can be added."""

    name: str
    kind: str
    icon: str
    asks: bool
    summary: str
    is_source: bool
    needs: list[str]
    adds: list[str]
    """Columns that it takes and makes, as far as they are known without its parameters."""
    uses: list[str]
    """Columns that are used where a row has them."""
    found_by: str
    """What a search looks through beside these."""
    papers: list[Paper]
    example: str
    """Parameters as a pipeline file has them, but for the model; empty where none is needed."""


@cache
def palette() -> list[PaletteEntry]:
    """All steps, by kind in the order of a pipeline."""
    found = []
    for entry in describe_all():
        if entry["group"] not in KINDS:
            continue
        cls = registry.resolve(entry["name"])
        if not issubclass(cls, BaseStep):
            continue
        asks = issubclass(cls, Task) or cls.group == "ask"
        found.append(
            PaletteEntry(
                name=entry["name"],
                kind=KINDS[entry["group"]],
                icon=icon_of(entry["name"], cls, asks=asks),
                asks=asks,
                summary=entry["summary"],
                is_source=issubclass(cls, GeneratorStep),
                needs=list(entry["inputs"]),
                adds=list(entry["outputs"]),
                uses=list(entry["optional_inputs"]),
                found_by=entry["found_by"],
                papers=entry["papers"],
                example=as_yaml(example_params(entry, with_model=False)),
            )
        )
    return sorted(found, key=lambda entry: list(KINDS.values()).index(entry["kind"]))
