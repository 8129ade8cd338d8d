"""The catalogue: every step, model and router with its parameters, columns and words, as data: what the command line shows."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from steps import registry
from steps.base import BaseStep
from steps.models import Model
from steps.wiring import Router, open_pipeline

GROUPS = ("sources", "samplers", "ask", "columns", "filters", "formats", "labels", "sinks", "other", "models", "routers")


def describe_all() -> list[dict[str, Any]]:
    """Every step, model and router, by group. A plugin that cannot be imported is left out; naming it says why."""
    found = []
    for kind in registry.KINDS:
        for name in registry.names(kind):
            try:
                found.append(_describe(name, registry.resolve(name, kind)))
            except registry.UnknownComponent:
                continue
    return sorted(found, key=lambda entry: GROUPS.index(entry["group"]))


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


def _describe(name: str, found: type) -> dict[str, Any]:
    if not issubclass(found, (BaseStep, Model, Router)):
        raise registry.UnknownComponent(f"{name!r} is neither step, model nor router", "`distilflow steps` lists what there is")
    doc = inspect.cleandoc(found.__doc__ or "")
    entry: dict[str, Any] = {"name": name, "group": _group(found), "summary": doc.partition("\n")[0], "doc": doc}
    if issubclass(found, BaseStep):
        entry |= {"inputs": _columns(found, "needs", found.inputs), "outputs": _columns(found, "makes", found.outputs)}
        entry["optional_inputs"] = list(found.optional_inputs)
    if issubclass(found, Model):
        entry["kind"] = found.kind
    own = [field for field in found.model_fields if field not in getattr(found, "PLACEMENT", ())]
    return {**entry, "import": registry.import_line(found), "parameters": [_parameter(found, field) for field in own]}


def _group(found: type[BaseStep | Model | Router]) -> str:
    if issubclass(found, BaseStep):
        return found.group if found.group in GROUPS else "other"
    return "models" if issubclass(found, Model) else "routers"


def _columns(found: type[BaseStep], method: str, declared: Sequence[str]) -> list[str]:
    """Columns of a step whose parameters are left as they are; what it declares, if it cannot say without them."""
    token = open_pipeline.set(None)
    try:
        return list(getattr(found.model_construct(), method)())
    except Exception:  # their code, and a required parameter is missing
        return list(declared)
    finally:
        open_pipeline.reset(token)


def _parameter(step: type[BaseModel], name: str) -> dict[str, Any]:
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
