"""Every step, model and router with its parameters, columns and words, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from flows.catalogue.docstrings import read_docstring
from flows.catalogue.parameters import describe_parameter
from steps import registry
from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep
from steps.models import Model, models_of
from steps.tasks.base import Task
from steps.wiring import Router, open_pipeline

HEADINGS = {
    ("sources", ""): "Sources",
    ("sources", "ask"): "Sources that ask a model",
    ("samplers", ""): "Samplers",
    ("ask", ""): "Ask a model",
    ("ask", "write"): "Ask a model to write",
    ("ask", "judge"): "Ask a model to judge",
    ("columns", ""): "Columns",
    ("filters", ""): "Filters",
    ("filters", "check"): "Validators",
    ("formats", ""): "Formats",
    ("labels", ""): "Labels",
    ("sinks", ""): "Sinks",
    ("other", ""): "Others",
    ("models", ""): "Models",
    ("routers", ""): "Routers",
}
"""What lists say above the classes of a group, or of a section of it, in the order of a pipeline."""
GROUPS = tuple(dict.fromkeys(group for group, _ in HEADINGS))
_PLACES = list(HEADINGS)


def describe_all() -> list[dict[str, Any]]:
    """Every step, model and router, heading by heading. A plugin that cannot be imported is left out; naming it says why."""
    found = []
    for kind in registry.KINDS:
        for name in registry.names(kind):
            try:
                found.append(_describe(name, registry.resolve(name, kind)))
            except registry.UnknownComponent:
                continue
    return sorted(found, key=lambda entry: _PLACES.index((entry["group"], entry["section"])))


def describe(name: str) -> dict[str, Any]:
    """One step, model or router.

    Raises:
        UnknownComponent: There is none of this name.
    """
    unknown = []
    for kind in registry.KINDS:
        try:
            return _describe(name, registry.resolve(name, kind))
        except registry.UnknownComponent as error:
            unknown.append(error)
    raise next((error for error in unknown if error.matches), unknown[0])


def heading_of(entry: dict[str, Any]) -> str:
    """What a list says above this one."""
    return HEADINGS[entry["group"], entry["section"]]


def other_columns(entry: dict[str, Any], key: Literal["inputs", "outputs"]) -> str:
    """What to say beside the columns that it needs, or makes, whatever its parameters are."""
    if entry[f"{key}_vary"]:
        return "or what its parameters say" if entry[key] else "what its parameters say"
    return "" if entry[key] else {"inputs": "no columns", "outputs": "no new columns"}[key]


def _describe(name: str, found: type) -> dict[str, Any]:
    if not issubclass(found, (BaseStep, Model, Router)):
        raise registry.UnknownComponent(f"{name!r} is neither step, model nor router", "`distilflow steps` lists what there is")
    doc = read_docstring(found.__doc__)
    group, section = _place(found)
    entry: dict[str, Any] = {"name": name, "group": group, "section": section, **doc._asdict(), "papers": list(doc.papers)}
    if issubclass(found, BaseStep):
        entry |= {
            "works_on": _works_on(found),
            "inputs": _columns(found, "needs", found.inputs),
            "inputs_vary": found.needs is not BaseStep.needs,
            "optional_inputs": list(found.optional_inputs),
            "outputs": _columns(found, "makes", found.outputs),
            "outputs_vary": _outputs_vary(found),
        }
    if issubclass(found, Model):
        entry["kind"] = found.kind
    return {**entry, "import": registry.import_line(found), "parameters": _parameters(found)}


def _place(found: type[BaseStep | Model | Router]) -> tuple[str, str]:
    if not issubclass(found, BaseStep):
        return ("models" if issubclass(found, Model) else "routers"), ""
    group = found.group if found.group in GROUPS else "other"
    return group, (found.section if (group, found.section) in HEADINGS else "")


def _works_on(found: type[BaseStep]) -> str:
    kinds = {GeneratorStep: "", GlobalStep: "all rows at once", JoinStep: "branches that meet"}
    return next((word for kind, word in kinds.items() if issubclass(found, kind)), "each row")


def _outputs_vary(found: type[BaseStep]) -> bool:
    """Whether its parameters decide which columns it makes."""
    is_open = issubclass(found, GeneratorStep) and not found.outputs and not issubclass(found, Task)
    return is_open or found.makes not in (BaseStep.makes, Task.makes)


def _columns(found: type[BaseStep], method: str, declared: Sequence[str]) -> list[str]:
    """Columns of a step whose parameters are left as they are; what it declares, if it cannot say without them."""
    token = open_pipeline.set(None)
    try:
        return list(getattr(found.model_construct(), method)())
    except Exception:  # their code, and a required parameter is missing
        return list(declared)
    finally:
        open_pipeline.reset(token)


def _parameters(found: type[BaseStep | Model | Router]) -> list[dict[str, Any]]:
    """Its parameters: first what is required, then models, then the others, and last what every task has alike."""
    models = models_of(found)
    shared = _of_every_task() if issubclass(found, Task) else {}
    described = []
    for name, field in found.model_fields.items():
        if name not in getattr(found, "PLACEMENT", ()):
            one = describe_parameter(name, field)
            model = models[name].kind if name in models else ""
            described.append({**one, "model": model, "is_of_every_task": not model and shared.get(name) == one})
    return sorted(described, key=lambda one: (one["is_of_every_task"], not one["is_required"], not one["model"]))


@cache
def _of_every_task() -> dict[str, dict[str, Any]]:
    return {name: describe_parameter(name, field) for name, field in Task.model_fields.items()}
