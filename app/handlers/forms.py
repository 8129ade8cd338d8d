"""Forms as data: which fields a step has, what they show, and the value that a person's entry stands for.

Everything comes from the schema of the step's class and of its model's class; a new step needs no code here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from app.handlers.drafts import CannotEdit, Draft, check, edit_step
from flows.plan import Plan, PlannedStep, batch_size_field
from flows.spec import StepSpec
from flows.spec.text import parse
from steps import registry
from steps.base import BaseStep, GeneratorStep, Step
from steps.errors import DistilflowError, SpecError
from steps.llms.base import LLM
from steps.tasks.base import Task

Kind = Literal["text", "area", "number", "slider", "choice", "flag", "list", "yaml", "secret"]
Part = Literal["own", "llm", "sampling", "connection", "replies", "placement", "mapping"]
LONGEST_YAML = 20_000
UNSET: Any = object()
"""What `read_entry` returns when the parameter is to be left out of the pipeline."""

_WORDS = {"llm": "LLM", "url": "URL", "api": "API", "id": "ID", "json": "JSON", "dpo": "DPO"}
_SAMPLING: dict[str, dict[str, Any]] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 2, "description": "0 always takes the likeliest word."},
    "max_new_tokens": {"type": "integer", "minimum": 1, "description": "Longest reply."},
}


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
    is_set: bool = False
    """For secrets: whether the variable is set."""

    @property
    def id(self) -> str:
        return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(self.path)).strip("-").lower()


@dataclass(frozen=True, slots=True)
class StepForm:
    """The form of one step."""

    step: str
    use: str
    fields: list[FormField] = made(default_factory=list)
    llm: str = ""
    llm_summary: str = ""
    llms: tuple[str, ...] = ()
    placement_note: str = ""
    mapping_note: str = ""
    doc: str = ""

    def part(self, *parts: Part) -> list[FormField]:
        return [entry for entry in self.fields if entry.part in parts]


# ---- from schema to form


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
    return form_of(spec, found, plan)


def form_of(spec: StepSpec, found: type[BaseStep], plan: Plan | None = None) -> StepForm:
    """The form of a step of this class."""
    fields = list(_own_fields(spec, found))
    llm_class: type[LLM] | None = None
    if issubclass(found, Task):
        llm_class = _llm_class(spec.params.get("llm"))
        fields += _llm_fields(spec, llm_class)
    planned = plan.steps.get(spec.name) if plan else None
    fields += _placement_fields(spec, found, planned, plan)
    fields += _mapping_fields(spec, planned, plan)
    mapped = len(spec.input_mappings) + len(spec.output_mappings)
    replicas = spec.resources.replicas if spec.resources else 1
    return StepForm(
        step=spec.name,
        use=spec.use,
        fields=fields,
        llm=registry.name_of(llm_class, "llms") if llm_class else "",
        llm_summary=llm_class.summary() if llm_class else "",
        llms=tuple(registry.names("llms")) if llm_class else (),
        placement_note=f"{planned.pool if planned else spec.pool or 'automatic'} · {replicas} replica{'s'[: replicas != 1]}",
        mapping_note=f"{mapped} mapped" if mapped else "names match",
        doc=found.__doc__ or "",
    )


def _own_fields(spec: StepSpec, found: type[BaseStep]) -> Iterator[FormField]:
    schema = found.model_json_schema()
    shared = Task.model_fields.keys() - BaseStep.model_fields.keys()
    for name, described in schema["properties"].items():
        if name in found.PLACEMENT or name == "llm" or described.get("unused"):
            continue
        part: Part = "replies" if issubclass(found, Task) and name in shared else "own"
        is_required = name in schema.get("required", ())
        described = {**described, **_made_default(found, name)}
        yield from _field(("with", name), described, schema.get("$defs", {}), spec.params.get(name, UNSET), part, is_required)


def _made_default(model: type[BaseModel], name: str) -> dict[str, Any]:
    """The default of a parameter whose schema tells none, because a function makes it."""
    field = model.model_fields[name]
    if field.default_factory is None:
        return {}
    value = field.get_default(call_default_factory=True, validated_data={})
    return {} if isinstance(value, BaseModel) else {"default": value}


def _llm_class(given: Any) -> type[LLM]:
    name = given.get("use", "RehearsalLLM") if isinstance(given, dict) else "RehearsalLLM"
    try:
        found = registry.resolve(str(name), "llms")
    except registry.UnknownComponent:
        found = registry.resolve("RehearsalLLM", "llms")
    return found if issubclass(found, LLM) else LLM


def _llm_fields(spec: StepSpec, llm: type[LLM]) -> Iterator[FormField]:
    given = spec.params.get("llm")
    values = given if isinstance(given, dict) else {}
    schema = llm.model_json_schema()
    for name, described in schema["properties"].items():
        path = ("with", "llm", name)
        value = values.get(name, UNSET)
        if described.get("writeOnly"):
            yield secret_field(path, described, value)
        elif name == "generation_kwargs":
            if not llm.is_rehearsal and llm.__name__ != "ReplayLLM":  # those take no sampling
                yield from _sampling_fields(path, described, value)
        elif not described.get("unused"):
            is_required = name in schema.get("required", ())
            is_plain = all("$ref" not in option for option in described.get("anyOf", ()))
            part: Part = "connection" if described.get("transport") or not is_plain else "llm"
            described = {**described, **_made_default(llm, name)}
            yield from _field(path, described, schema.get("$defs", {}), value, part, is_required)


def _sampling_fields(path: tuple[str, ...], described: Mapping[str, Any], value: Any) -> Iterator[FormField]:
    given = value if isinstance(value, dict) else {}
    for name, known in _SAMPLING.items():
        shown = given.get(name)
        yield FormField(
            path=(*path, name),
            label=label_of(name),
            kind="number",
            part="llm",
            shown=shown if isinstance(shown, (int, float)) else None,
            info=f"{known['description']} Empty for the server's own.",
            default=None,
            minimum=known.get("minimum"),
            maximum=known.get("maximum"),
            is_integer=known["type"] == "integer",
        )
    rest = {name: setting for name, setting in given.items() if name not in _SAMPLING}
    yield FormField(
        path=path,
        label="Other sampling settings",
        kind="yaml",
        part="sampling",
        shown=_as_yaml(rest),
        info="One `name: value` a line: top_p, stop, seed, ...",
        default={},
    )


def secret_field(path: tuple[str, ...], described: Mapping[str, Any], value: Any) -> FormField:
    """A key as a line that names its variable. The key itself is never shown and never asked for."""
    reference = re.fullmatch(r"\s*\$\{([A-Za-z_][A-Za-z0-9_]*)\}\s*", value) if isinstance(value, str) else None
    default = re.findall(r"\$([A-Z][A-Z0-9_]*)", str(described.get("description", "")))
    variable = reference[1] if reference else (default[-1] if default else "")
    return FormField(
        path=path,
        label=label_of(path[-1]),
        kind="secret",
        part="llm",
        shown=variable,
        is_set=bool(os.environ.get(variable)) if variable else False,
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


def _mapping_fields(spec: StepSpec, planned: PlannedStep | None, plan: Plan | None) -> Iterator[FormField]:
    if planned is None or plan is None:
        return
    received = planned.received or []
    if not isinstance(planned.step, GeneratorStep):
        for column in planned.step.needs():
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
    for column in planned.step.makes():
        yield FormField(
            path=("output_mappings", column),
            label=f"Name for {column}",
            kind="text",
            part="mapping",
            shown=spec.output_mappings.get(column, ""),
            info="Empty to keep the name.",
            default=None,
        )


def _field(
    path: tuple[str, ...],
    described: Mapping[str, Any],
    definitions: Mapping[str, Any],
    value: Any,
    part: Part,
    is_required: bool,
) -> Iterator[FormField]:
    options = [_resolved(option, definitions) for option in described.get("anyOf", [described])]
    is_nullable = any(option.get("type") == "null" for option in options)
    options = [option for option in options if option.get("type") != "null"]
    default = UNSET if is_required else described.get("default", UNSET)
    current = value if value is not UNSET else (default if default is not UNSET else None)
    label, info = label_of(path[-1]), str(described.get("description", ""))
    kinds = [_kind_of(option, described) for option in options]
    common: dict[str, Any] = {"path": path, "label": label, "part": part, "info": info, "default": default}
    if kinds == ["choice"]:
        choices = tuple((str(option), str(option)) for option in options[0]["enum"])
        empty = (("Not set", ""),) if is_nullable or current is None else ()
        yield FormField(**common, kind="choice", choices=(*empty, *choices), shown="" if current is None else str(current))
    elif kinds == ["flag"] and not is_nullable:
        yield FormField(**common, kind="flag", shown=bool(current))
    elif kinds == ["flag"]:
        choices = (("Not set", ""), ("Yes", "true"), ("No", "false"))
        shown = "true" if current is True else "false" if current is False else ""
        yield FormField(**common, kind="choice", choices=choices, shown=shown)
    elif kinds == ["number"]:
        low, high = _limit(options[0], "minimum"), _limit(options[0], "maximum")
        is_integer = options[0].get("type") == "integer"
        number = current if isinstance(current, (int, float)) else None
        yield FormField(
            **common,
            kind="slider" if low is not None and high is not None and not is_nullable else "number",
            shown=number,
            minimum=low,
            maximum=high,
            is_integer=is_integer,
        )
    elif kinds in (["text"], ["area"]):
        yield FormField(**common, kind=kinds[0], shown="" if current is None else str(current))
    elif "list" in kinds and "flag" not in kinds and (current is None or isinstance(current, (str, list))):
        yield FormField(**common, kind="list", shown=_as_list(current), takes_text_or_list="text" in kinds)
    elif "text" in kinds and (current is None or isinstance(current, str)):
        yield FormField(**common, kind="text", shown=current or "")
    elif len(text := _as_yaml(current)) <= LONGEST_YAML:
        yield FormField(**common, kind="yaml", shown=text)


def _resolved(option: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = option.get("$ref", "")
    found: Mapping[str, Any] = definitions.get(reference.removeprefix("#/$defs/"), option) if reference else option
    return found


def _kind_of(option: Mapping[str, Any], described: Mapping[str, Any]) -> Kind:
    if "enum" in option:
        return "choice"
    match option.get("type"):
        case "boolean":
            return "flag"
        case "integer" | "number":
            return "number"
        case "string":
            return "area" if described.get("multiline") or option.get("multiline") else "text"
        case "array" if option.get("items", {}).get("type") == "string":
            return "list"
    return "yaml"


def _limit(option: Mapping[str, Any], name: Literal["minimum", "maximum"]) -> float | None:
    exclusive = option.get({"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}[name])
    if exclusive is not None and option.get("type") == "integer":
        return float(exclusive) + (1 if name == "minimum" else -1)
    found = option.get(name)
    return None if found is None else float(found)


def label_of(name: str) -> str:
    """`max_new_tokens` -> "Max new tokens", `base_url` -> "Base URL"."""
    words = [_WORDS.get(word, word) for word in name.split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _as_list(value: Any) -> str:
    items = [value] if isinstance(value, str) else list(value or ())
    if any("," in item for item in items):
        return "\n".join(items) + "\n"
    return ", ".join(items)


def _as_yaml(value: Any) -> str:
    if value is None or value in ({}, []):
        return ""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text.removesuffix("...\n").strip()


# ---- from entry to value


def read_entry(entry: FormField, said: Any) -> Any:
    """The value that an entry stands for, or `UNSET` where the parameter is to be left out.

    Raises:
        CannotEdit: It cannot be understood.
    """
    value = _read(entry, said)
    if value is UNSET or (entry.default is not UNSET and value == entry.default and type(value) is type(entry.default)):
        return UNSET
    return value


def _read(entry: FormField, said: Any) -> Any:
    match entry.kind:
        case "flag":
            return bool(said)
        case "number" | "slider":
            return UNSET if said is None or said == "" else _number(entry, said)
        case "choice":
            text = "" if said is None else str(said)
            is_flag = [value for _, value in entry.choices] == ["", "true", "false"]
            return UNSET if not text else (text == "true") if is_flag else text
        case "list":
            items = split_items(str(said or ""))
            if not items:
                return UNSET
            return items[0] if entry.takes_text_or_list and len(items) == 1 else items
        case "text" | "area":
            text = str(said or "")
            return text if text.strip() or (entry.default not in (UNSET, None) and entry.kind == "area") else UNSET
        case "yaml":
            return _read_yaml(entry, str(said or ""))
        case "secret":
            raise CannotEdit("keys are set as environment variables", "export the variable and start the app again")
    raise AssertionError(entry.kind)


def _number(entry: FormField, said: Any) -> int | float:
    try:
        number = float(said)
    except (TypeError, ValueError):
        raise CannotEdit(f"{entry.label}: {said!r} is no number", "enter a number") from None
    if (entry.minimum is not None and number < entry.minimum) or (entry.maximum is not None and number > entry.maximum):
        low = "" if entry.minimum is None else f" from {entry.minimum:g}"
        high = "" if entry.maximum is None else f" to {entry.maximum:g}"
        raise CannotEdit(f"{entry.label}: {number:g} is out of range", f"enter a number{low}{high}")
    return int(number) if entry.is_integer else number


def _read_yaml(entry: FormField, text: str) -> Any:
    if not text.strip():
        return UNSET
    try:
        return parse(text)[0]
    except DistilflowError as error:
        raise CannotEdit(f"{entry.label}: {error.message}", error.fix) from error


def split_items(text: str) -> list[str]:
    """Items of a list as people type it: one a line, or with commas between them on one line."""
    separator = "\n" if "\n" in text else ","
    return [item.strip() for item in text.split(separator) if item.strip()]


# ---- changing the draft


def set_field(draft: Draft, step: str, entry: FormField, said: Any) -> Draft:
    """The draft with what a person entered in one field.

    Raises:
        CannotEdit: It cannot be understood.
    """
    value = read_entry(entry, said)
    is_rest = entry.part == "sampling" and entry.kind == "yaml"
    if is_rest and value is not UNSET and not isinstance(value, dict):
        raise CannotEdit(f"{entry.label}: this is not `name: value`", "write one setting a line, such as `top_p: 0.9`")

    def edit(data: dict[str, Any]) -> None:
        if entry.path[:2] == ("with", "llm"):  # a field of the model: the step has one from now on
            llm = data.setdefault("with", {}).setdefault("llm", {})
            llm.setdefault("use", "RehearsalLLM")
        if is_rest:
            known = _at(data, entry.path, {})
            kept = {name: setting for name, setting in known.items() if name in _SAMPLING}
            _put(data, entry.path, {**kept, **(value if isinstance(value, dict) else {})} or UNSET)
        else:
            _put(data, entry.path, value)

    return edit_step(draft, step, f"{entry.label} of {step}", edit)


def set_llm(draft: Draft, step: str, name: str) -> Draft:
    """The draft with a model of another class in a step; parameters that both classes have stay.

    Raises:
        CannotEdit: There is no such class.
    """
    try:
        found = registry.resolve(name, "llms")
    except registry.UnknownComponent as error:
        raise CannotEdit(error.message, error.fix) from error
    known = found.model_fields.keys() if issubclass(found, LLM) else set()

    def edit(data: dict[str, Any]) -> None:
        before = data.setdefault("with", {}).get("llm")
        kept = {key: value for key, value in before.items() if key in known} if isinstance(before, dict) else {}
        data["with"]["llm"] = {"use": name, **kept}

    return edit_step(draft, step, f"{name} for {step}", edit)


def _at(data: Mapping[str, Any], path: Sequence[str], default: Any) -> Any:
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return default
        data = data[key]
    return data


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set or remove the value at a path; mappings that become empty go too."""
    *parents, last = path
    trail = [data]
    for key in parents:
        inner = trail[-1].get(key)
        if not isinstance(inner, dict):
            if value is UNSET:
                return
            inner = trail[-1][key] = {}
        trail.append(inner)
    if value is UNSET:
        trail[-1].pop(last, None)
    else:
        trail[-1][last] = value
    for key, owner, inner in reversed(list(zip(parents, trail, trail[1:], strict=False))):
        if not inner:
            del owner[key]
