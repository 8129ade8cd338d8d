"""Parameters given at the start of a run: `--param answer.llm.generation_kwargs.max_new_tokens=512`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flows.spec.model import PipelineSpec, StepSpec
from flows.spec.reading import read_step
from flows.spec.text import check_data, parse
from steps.base import BaseStep
from steps.errors import PlanError, Problem, SpecError
from steps.models import Model
from steps.wording import did_you_mean, listed, quoted

_BESIDE_USE = StepSpec.model_fields.keys() - {"params", "name", "use", "after"}


def parse_parameter(text: str) -> tuple[str, Any]:
    """`answer.llm.model=gpt-4o` as path and value. The value is read as YAML; one line that is no YAML is text.

    Raises:
        SpecError: There is no `=` or no dot in it, or brackets or quotes are not closed.
    """
    path, sign, value = text.partition("=")
    path, value = path.strip(), value.strip()
    if not sign or not all(path.split(".")) or "." not in path:
        raise SpecError(
            f"--param {quoted(text)} is not of the form step.parameter=value", "e.g. --param answer.llm.model=gpt-4o"
        )
    is_text = bool(value) and value[0] not in "[{\"'" and "\n" not in value
    if is_text and value[0] == "#":  # a colour or a channel, not a comment
        return path, value
    try:
        parsed, duplicates = parse(value)
    except SpecError as error:
        if is_text:
            return path, value
        raise SpecError(f"--param {path}: {error.message}", "write text that is no YAML in quotes") from error
    if duplicates:
        raise SpecError(f"--param {path}: the key {quoted(duplicates[0].key)} stands twice", "keep one of the two")
    return path, parsed if value else ""


def with_parameters(spec: PipelineSpec, parameters: Mapping[str, Any]) -> PipelineSpec:
    """The pipeline with some parameters replaced: `{"answer.llm.temperature": 0}` or `{"answer": {"llm": {...}}}`.

    Raises:
        PlanError: One names a step that does not exist, or leads into something that is no mapping; all of them are listed.
    """
    changed, problems = apply_parameters(spec, parameters)
    if problems:
        raise PlanError(problems)
    return changed


def apply_parameters(spec: PipelineSpec, parameters: Mapping[str, Any]) -> tuple[PipelineSpec, list[Problem]]:
    """The pipeline with the parameters that fit it, and what is wrong with the others: to report with the plan's problems."""
    steps = {step["name"]: step for step in spec.to_dict().get("steps", [])}
    problems: list[Problem] = []
    changed: set[str] = set()
    for (name, *keys), value in _flat(parameters):
        path = ".".join([name, *keys])
        if name not in steps:
            what = f"{quoted(path)}: there is no step {quoted(name)}.{did_you_mean(name, steps)}"
            problems.append(Problem("unknown-step", "parameters", what, f"the steps are {listed(steps)}"))
        elif keys[:1] == ["with"] and len(keys) > 1:
            short = ".".join([name, *keys[1:]])
            fix = f"leave `with` out: {quoted(short)[1:-1]}"
            problems.append(Problem("bad-parameter", f"step {name!r}", f"{quoted(path)} has `with` in it", fix, name))
        elif obstacle := _set(steps[name], keys, value):
            fix = "set the whole value above it" if keys else "name a parameter: step.parameter=value"
            problems.append(Problem("bad-parameter", f"step {name!r}", f"{quoted(path)}: {obstacle}", fix, name))
        else:
            changed.add(name)
    unread = dict(spec.unread)
    result = list(spec.steps)
    for at, step in enumerate(spec.steps):
        if step.name in changed:
            new, keys_unread, found = read_step(steps[step.name], at)
            problems += found
            result[at] = new or step
            if keys_unread:
                unread[step.name] = unread.get(step.name, set()) | keys_unread
    return spec.read_as(result, unread), problems


def _set(step: dict[str, Any], keys: list[str], value: Any) -> str | None:
    """Replace one value of a step's data. Returns what is in the way."""
    if not keys:
        return f"is {quoted(value)}, not a mapping of parameters"
    try:
        check_data(value)
    except SpecError as error:
        return error.message
    if keys[0] in ("name", "use", "after") and len(keys) == 1:
        return f"`{keys[0]}` is part of the pipeline and no parameter"
    target = step if keys[0] in _BESIDE_USE else step.setdefault("with", {})
    for at, key in enumerate(keys[:-1]):
        inner = target.get(key)
        if inner is not None and not isinstance(inner, dict):
            return f"`{'.'.join(keys[: at + 1])}` is {quoted(inner)}, which has no parameters in it"
        target[key] = dict(inner or {})
        target = target[key]
    if keys[-1] == "llm" and isinstance(value, Mapping):
        value = with_sampling_of(target.get("llm"), value)
    target[keys[-1]] = value
    return None


def with_sampling_of(before: Any, llm: Mapping[str, Any]) -> dict[str, Any]:
    """Another model that is asked in the same way: `generation_kwargs` stay unless it brings its own."""
    kept = before.get("generation_kwargs") if isinstance(before, Mapping) else None
    return {**({"generation_kwargs": kept} if kept else {}), **llm}


def _flat(parameters: Mapping[str, Any]) -> Iterable[tuple[list[str], Any]]:
    for key, value in parameters.items():
        path = str(key).split(".")
        if len(path) == 1 and isinstance(value, Mapping):
            yield from (([*path, *rest], leaf) for rest, leaf in _leaves(value))
        else:
            yield path, value


def _leaves(value: Mapping[str, Any]) -> Iterable[tuple[list[str], Any]]:
    """Nested mappings are merged where a pipeline has mappings of its own; one that names a model (`use`) replaces it."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner and key in ("llm", "generation_kwargs", "resources") and "use" not in inner:
            yield from (([key, *rest], leaf) for rest, leaf in _leaves(inner))
        else:
            yield str(key).split("."), inner


def settable(component: BaseStep | Model) -> list[dict[str, Any]]:
    """The parameters of a step or a model that a run may set: name, whether it may be left out, and what it is."""
    found: list[dict[str, Any]] = []
    for name, field in type(component).model_fields.items():
        value = getattr(component, name)
        if name in getattr(component, "PLACEMENT", ()):
            continue
        if isinstance(value, Model):
            found.append({"name": name, "runtime_parameters_info": settable(value)})
        else:
            found.append({"name": name, "optional": not field.is_required(), "description": field.description or ""})
    return found
