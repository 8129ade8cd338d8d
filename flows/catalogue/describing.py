"""Every step, model and router with its parameters, columns and words, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

from flows.catalogue.docstrings import read_docstring
from flows.catalogue.entries import Entry, Field, Parameter
from flows.catalogue.parameters import describe_parameter
from flows.catalogue.searching import words_for
from steps import registry
from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep
from steps.misfits import declared
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


def describe_all() -> list[Entry]:
    """Every step, model and router, heading by heading. A plugin that cannot be imported is left out; naming it says why."""
    found = []
    for kind in registry.KINDS:
        for name in registry.names(kind):
            try:
                found.append(_describe(name, registry.resolve(name, kind)))
            except registry.UnknownComponent:
                continue
    return sorted(found, key=lambda entry: _PLACES.index((entry["group"], entry["section"])))


def describe(name: str) -> Entry:
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


def heading_of(entry: Entry) -> str:
    """What a list says above this one."""
    return HEADINGS[entry["group"], entry["section"]]


def in_group(catalogue: Sequence[Entry], asked: str) -> list[Entry]:
    """The entries of a group, or under a heading by its words: "filters", "validators", "judge"."""
    wanted = _words(asked)
    if group := next((group for group in GROUPS if _words(group) == wanted), None):
        return [entry for entry in catalogue if entry["group"] == group]
    return [entry for entry in catalogue if wanted and set(wanted) <= set(_words(heading_of(entry)))]


def groups_of(catalogue: Sequence[Entry]) -> list[str]:
    """The groups that have entries, and the headings of their parts: what may be asked for."""
    groups = dict.fromkeys(entry["group"] for entry in catalogue)
    parts = dict.fromkeys(heading_of(entry) for entry in catalogue if entry["section"])
    return [*groups, *(heading.lower().replace(" ", "-") for heading in parts)]


def _words(heading: str) -> list[str]:
    return [word.removesuffix("s") for word in heading.lower().replace("-", " ").split()]


def other_columns(entry: Entry, key: Literal["inputs", "outputs"]) -> str:
    """What to say beside the columns that it needs, or makes, whatever its parameters are."""
    varies = entry["inputs_vary"] if key == "inputs" else entry["outputs_vary"]
    if varies:
        return "or what its parameters say" if entry[key] else "what its parameters say"
    return "" if entry[key] else {"inputs": "no columns", "outputs": "no new columns"}[key]


def _describe(name: str, found: type) -> Entry:
    if not issubclass(found, (BaseStep, Model, Router)):
        raise registry.UnknownComponent(f"{name!r} is neither step, model nor router", "`distilflow steps` lists what there is")
    doc = read_docstring(found.__doc__)
    group, section = _place(found)
    parameters = _parameters(found)
    own = [one["name"] for one in parameters if not one["is_of_every_task"]]
    entry = Entry(
        name=name,
        group=group,
        section=section,
        summary=doc.summary,
        text=doc.text,
        papers=list(doc.papers),
        example=doc.example,
        import_line=registry.import_line(found),
        found_by=words_for(name, [doc.summary, doc.text, *(paper["title"] for paper in doc.papers), *own]),
        parameters=parameters,
    )
    if issubclass(found, BaseStep):
        entry["works_on"] = _works_on(found)
        entry["inputs"] = _columns(found, "needs", declared(found, "inputs"))
        entry["inputs_vary"] = found.needs is not BaseStep.needs
        entry["optional_inputs"] = declared(found, "optional_inputs")
        entry["outputs"] = _columns(found, "makes", declared(found, "outputs"))
        entry["outputs_vary"] = _outputs_vary(found)
    if issubclass(found, Model):
        entry["kind"] = found.kind
    return entry


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


def _columns(found: type[BaseStep], method: str, otherwise: list[str]) -> list[str]:
    """Columns of a step whose parameters are left as they are; what it declares, if it cannot say without them."""
    token = open_pipeline.set(None)
    try:
        return list(getattr(found.model_construct(), method)())
    except Exception:  # their code, and a required parameter is missing
        return otherwise
    finally:
        open_pipeline.reset(token)


def _parameters(found: type[BaseStep | Model | Router]) -> list[Parameter]:
    """Its parameters: first what is required, then models, then the others, and last what every task has alike."""
    models = models_of(found)
    shared = _of_every_task() if issubclass(found, Task) else {}
    described = []
    for name, field in found.model_fields.items():
        if name not in getattr(found, "PLACEMENT", ()):
            one = describe_parameter(name, field)
            model = models[name].kind if name in models else ""
            described.append(Parameter(**one, model=model, is_of_every_task=not model and shared.get(name) == one))
    return sorted(described, key=lambda one: (one["is_of_every_task"], not one["is_required"], not one["model"]))


@cache
def _of_every_task() -> dict[str, Field]:
    return {name: describe_parameter(name, field) for name, field in Task.model_fields.items()}
