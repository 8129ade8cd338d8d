"""The catalogue: every step with its parameters, columns and words, as data. What the command line, the app and docs show."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

from pydantic_core import PydanticUndefined

from steps import registry
from steps.base import BaseStep

GROUPS = ("sources", "ask", "columns", "filters", "formats", "labels", "sinks", "other")


def describe_all() -> list[dict[str, Any]]:
    """Every step that can be used, by group. A plugin that cannot be imported is left out; naming it says why."""
    found = []
    for name in registry.names("steps"):
        try:
            found.append(describe(name))
        except registry.UnknownComponent:
            continue
    return sorted(found, key=lambda entry: GROUPS.index(entry["group"]))


def describe(name: str) -> dict[str, Any]:
    """One step.

    Raises:
        UnknownComponent: There is none of this name.
    """
    step = registry.resolve(name)
    if not issubclass(step, BaseStep):
        raise registry.UnknownComponent(f"{name!r} is not a step", "`distilflow steps` lists what there is")
    return {
        "name": name,
        "group": step.group if step.group in GROUPS else "other",
        "summary": step.summary(),
        "doc": inspect.cleandoc(step.__doc__ or ""),
        "inputs": list(step.inputs),
        "outputs": list(step.outputs),
        "parameters": [_parameter(step, field) for field in step.model_fields if field not in step.PLACEMENT],
    }


def _parameter(step: type[BaseStep], name: str) -> dict[str, Any]:
    field = step.model_fields[name]
    default = field.get_default(call_default_factory=False)
    if field.default_factory is not None:
        default = _plain(field.get_default(call_default_factory=True, validated_data={}))
    return {
        "name": name,
        "type": type_name(field.annotation),
        "is_required": field.is_required(),
        "default": None if default is PydanticUndefined else _plain(default),
        "description": field.description or "",
    }


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_unset=True) if hasattr(value, "model_dump") else value


def type_name(annotation: Any) -> str:
    """A type as people write it: `str | None`, `list[str]`, `"a" | "b"`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_name, arguments))
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(type_name, arguments))}]"
    return "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))
