"""The form of a step as data: which fields it has, and what they show.

Everything comes from the schema of the step's class and of its model's class; a new step needs no code here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from app.handlers.drafts import Draft, check
from app.handlers.fields import UNSET, FormField, ModelPlace, Part, StepForm
from app.handlers.routing import router_fields
from app.handlers.schema_fields import as_yaml, field_of
from app.handlers.wording import label_of
from app.handlers.wrong_entries import WrongEntries, said_in, standing
from flows.plan import Plan, PlannedStep, batch_size_field
from flows.spec import StepSpec
from steps import registry
from steps.base import BaseStep, Step
from steps.errors import SpecError
from steps.models import Model, models_of
from steps.tasks.base import Task

SAMPLING: dict[str, dict[str, Any]] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 2, "description": "0 always takes the likeliest word."},
    "max_new_tokens": {"type": "integer", "minimum": 1, "description": "Longest reply."},
}
"""Settings of sampling that have fields of their own; all others share one."""
MOST_COLUMNS = 40
"""Of a wide source not every column gets a field for its name; the YAML can rename all."""


def step_form(draft: Draft, step: str) -> StepForm | None:
    """The form of a step of the draft; None when the text is no pipeline or its class is unknown."""
    try:
        plan, _ = check(draft["text"])
    except SpecError:
        return None
    if step not in plan.spec.names():
        return None
    spec = plan.spec.step(step)
    try:
        found = registry.resolve(spec.use)
    except registry.UnknownComponent:
        return None
    if not issubclass(found, BaseStep):
        return None
    form = form_of(spec, found, plan)
    wrong = standing(draft["wrong"], plan.spec)
    return replace(form, fields=[_as_entered(wrong, step, entry) for entry in form.fields])


def _as_entered(wrong: WrongEntries, step: str, entry: FormField) -> FormField:
    """A field, with what was entered in it where that makes no value."""
    said = said_in(wrong, step, entry.id)
    return entry if said is None else replace(entry, shown=said)


def form_of(spec: StepSpec, found: type[BaseStep], plan: Plan | None = None) -> StepForm:
    """The form of a step of this class."""
    fields = list(_own_fields(spec, found))
    models = {name: _model_class(spec.params.get(name), base) for name, base in models_of(found).items()}
    for name, model in models.items():
        fields += _model_fields(spec, name, model)
    planned = plan.steps.get(spec.name) if plan else None
    fields += router_fields(plan.spec, spec.name) if plan else ()
    fields += _placement_fields(spec, found, planned, plan)
    fields += _mapping_fields(spec, planned)
    replicas = spec.resources.replicas if spec.resources else 1
    pool = planned.pool if planned else spec.pool or "automatic"
    return StepForm(
        step=spec.name,
        use=spec.use,
        fields=fields,
        models=tuple(_place(name, model) for name, model in models.items()),
        placement_note=" · ".join([pool, *([f"{replicas} replicas"] if replicas > 1 else [])]),
        mapping_note=_mapping_note(spec, planned),
        doc=found.__doc__ or "",
    )


def _own_fields(spec: StepSpec, found: type[BaseStep]) -> Iterator[FormField]:
    schema = found.model_json_schema()
    shared = Task.model_fields.keys() - BaseStep.model_fields.keys()
    for name, described in schema["properties"].items():
        if name in found.PLACEMENT or name in models_of(found) or described.get("unused"):
            continue
        part: Part = "replies" if issubclass(found, Task) and name in shared else "own"
        is_required = name in schema.get("required", ())
        described = {**described, **_made_default(found, name)}
        yield from field_of(("with", name), described, schema.get("$defs", {}), spec.params.get(name, UNSET), part, is_required)


def _made_default(model: type[BaseModel], name: str) -> dict[str, Any]:
    """The default of a parameter whose schema tells none, because a function makes it."""
    field = model.model_fields[name]
    if field.default_factory is None:
        return {}
    value = field.get_default(call_default_factory=True, validated_data={})
    return {} if isinstance(value, BaseModel) else {"default": value}


def _model_class(given: Any, base: type[Model]) -> type[Model]:
    name = given.get("use", base.rehearsal) if isinstance(given, dict) else base.rehearsal
    try:
        found = registry.resolve(str(name), base.kind)
    except registry.UnknownComponent:
        found = registry.resolve(base.rehearsal, base.kind)
    return found if issubclass(found, base) else base


def _place(name: str, model: type[Model]) -> ModelPlace:
    use = registry.name_of(model, model.kind)
    return ModelPlace(name, label_of(name), use, model.summary(), tuple(registry.names(model.kind)))


def _model_fields(spec: StepSpec, place: str, model: type[Model]) -> Iterator[FormField]:
    given = spec.params.get(place)
    values = given if isinstance(given, dict) else {}
    schema = model.model_json_schema()
    for name, described in schema["properties"].items():
        path = ("with", place, name)
        value = values.get(name, UNSET)
        if described.get("writeOnly"):
            yield secret_field(path, described, value)
        elif name == "generation_kwargs":
            if not model.is_free:  # what is made up or recorded takes no sampling
                yield from _sampling_fields(path, described, value)
        elif not described.get("unused"):
            is_required = name in schema.get("required", ())
            is_plain = all("$ref" not in option for option in described.get("anyOf", ()))
            part: Part = "connection" if described.get("transport") or not is_plain else "model"
            described = {**described, **_made_default(model, name)}
            yield from field_of(path, described, schema.get("$defs", {}), value, part, is_required)


def _sampling_fields(path: tuple[str, ...], described: Mapping[str, Any], value: Any) -> Iterator[FormField]:
    given = value if isinstance(value, dict) else {}
    for name, known in SAMPLING.items():
        shown = given.get(name)
        yield FormField(
            path=(*path, name),
            label=label_of(name),
            kind="number",
            part="model",
            shown=shown if isinstance(shown, (int, float)) else None,
            info=f"{known['description']} Empty for the server's own.",
            default=None,
            minimum=known.get("minimum"),
            maximum=known.get("maximum"),
            is_integer=known["type"] == "integer",
        )
    rest = {name: setting for name, setting in given.items() if name not in SAMPLING}
    yield FormField(
        path=path,
        label="Other sampling settings",
        kind="yaml",
        part="sampling",
        shown=as_yaml(rest),
        info="One `name: value` a line: top_p, stop, seed, ...",
        default={},
    )


def secret_field(path: tuple[str, ...], described: Mapping[str, Any], value: Any) -> FormField:
    """A key as a line that names its variable, or its variables. The key itself is never shown and never asked for."""
    given = value if isinstance(value, list) else [value]
    found = [re.fullmatch(r"\s*\$\{([A-Za-z_][A-Za-z0-9_]*)\}\s*", item) for item in given if isinstance(item, str)]
    default = re.findall(r"\$([A-Z][A-Z0-9_]*)", str(described.get("description", "")))
    variables = [reference[1] for reference in found if reference] or default[-1:]
    return FormField(
        path=path,
        label=label_of(path[-1]),
        kind="secret",
        part="model",
        shown=", $".join(variables),
        is_set=bool(variables) and all(os.environ.get(variable) for variable in variables),
    )


def _placement_fields(
    spec: StepSpec, found: type[BaseStep], planned: PlannedStep | None, plan: Plan | None
) -> Iterator[FormField]:
    pools = plan.pools.names() if plan else ["async", "process", "gpu"]
    automatic = f"Automatic ({planned.step.preferred_pool()})" if planned else "Automatic"
    yield FormField(
        path=("pool",),
        label="Pool",
        kind="choice",
        part="placement",
        shown=spec.pool or "",
        info="async waits for servers, process computes, gpu holds devices.",
        default=None,
        choices=((automatic, ""), *((name, name) for name in pools)),
    )
    resources = spec.resources
    if issubclass(found, Step):
        yield _whole(
            ("resources", "replicas"), "Replicas", resources.replicas if resources else 1, 1, "Workers that share the rows."
        )
    gpus = resources.gpus if resources else None
    yield _whole(("resources", "gpus"), "GPUs", gpus, None, "Per replica; only the pool gpu has devices.", minimum=0)
    if size := batch_size_field(found):
        described = found.model_json_schema()["properties"][size]
        yield _whole(("batch_size",), "Batch size", spec.batch_size, None, f"Empty for {described.get('default')}.")


def _whole(path: tuple[str, ...], label: str, shown: int | None, default: int | None, info: str, minimum: int = 1) -> FormField:
    return FormField(path, label, "number", "placement", shown, info, default, minimum=minimum, is_integer=True)


def _mapping_fields(spec: StepSpec, planned: PlannedStep | None) -> Iterator[FormField]:
    received = (planned.received if planned else None) or []
    for column in _wanted(spec, planned):
        mapped = spec.input_mappings.get(column, "")
        options = list(dict.fromkeys([*received, *([mapped] if mapped else [])]))
        yield FormField(
            path=("input_mappings", column),
            label=f"Column for {column}",
            kind="choice",
            part="mapping",
            shown=mapped,
            default=None,
            choices=((f"{column} (same name)", ""), *((name, name) for name in options if name != column)),
        )
    for at, column in enumerate(_made(spec, planned)):
        if at >= MOST_COLUMNS and column not in spec.output_mappings:
            continue
        yield FormField(
            path=("output_mappings", column),
            label=f"Name for {column}",
            kind="text",
            part="mapping",
            shown=spec.output_mappings.get(column, ""),
            info="Empty to keep the name.",
            default=None,
        )


def _mapping_note(spec: StepSpec, planned: PlannedStep | None) -> str:
    mapped, made = len(spec.input_mappings) + len(spec.output_mappings), len(_made(spec, planned))
    note = f"{mapped} mapped" if mapped else "names match" if _wanted(spec, planned) else "names kept"
    return f"{note}, {MOST_COLUMNS} of {made} columns" if made > MOST_COLUMNS else note


def _wanted(spec: StepSpec, planned: PlannedStep | None) -> list[str]:
    """Columns that the step needs, and any other that the pipeline maps for it."""
    return list(dict.fromkeys([*(planned.step.needs() if planned else ()), *spec.input_mappings]))


def _made(spec: StepSpec, planned: PlannedStep | None) -> list[str]:
    """Columns that the step makes, by its own names, and any other that the pipeline renames."""
    made = planned.step.makes() if planned else []
    if planned and planned.is_source:
        own_names = {name: column for column, name in spec.output_mappings.items()}
        made = [own_names.get(column, column) for column in planned.sent or ()]
    return list(dict.fromkeys([*made, *spec.output_mappings]))
