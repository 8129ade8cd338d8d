"""Parameters as people read them: types, limits and defaults in words."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flows.catalogue.entries import Field

SHORT = 60
"""Longest default that lists show whole."""


def describe_parameter(name: str, field: FieldInfo) -> Field:
    """A field of a class as plain data."""
    default = field.get_default(call_default_factory=False)
    if field.default_factory is not None:
        default = field.get_default(call_default_factory=True, validated_data={})
    return {
        "name": name,
        "type": type_name(field.annotation),
        "is_required": field.is_required(),
        "default": None if default is PydanticUndefined else _plain(default),
        "limits": ", ".join(_limits(field)),
        "examples": _examples(field),
        "description": field.description or "",
    }


def _examples(field: FieldInfo) -> list[Any]:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    found = field.examples or extra.get("examples")
    return list(found) if isinstance(found, list) else []


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


def _limits(field: FieldInfo) -> Iterator[str]:
    bounds: dict[str, Any] = {}
    for one in field.metadata:
        for bound in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern"):
            if getattr(one, bound, None) is not None:
                bounds[bound] = getattr(one, bound)
    if "ge" in bounds and "le" in bounds:
        yield f"{bounds['ge']:,} to {bounds['le']:,}"
    else:
        words = {"ge": "{:,} or more", "gt": "above {:,}", "le": "{:,} or less", "lt": "below {:,}"}
        yield from (said.format(bounds[bound]) for bound, said in words.items() if bound in bounds)
    yield from _lengths(bounds.get("min_length", 0), bounds.get("max_length"), is_text=_holds_text(field.annotation))
    if "pattern" in bounds:
        yield f"like `{bounds['pattern']}`"


def _lengths(least: int, most: int | None, *, is_text: bool) -> Iterator[str]:
    unit = "characters" if is_text else "items"
    if least and least == most:
        yield f"{least} {unit}"
    elif most is not None:
        yield f"{least} to {most} {unit}"
    elif least:
        yield "not empty" if least == 1 else f"{least} {unit} or more"


def _holds_text(annotation: Any) -> bool:
    is_choice = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return str in (typing.get_args(annotation) if is_choice else (annotation,))


def default_of(parameter: Field, most: int | None = SHORT) -> str:
    """What applies when the parameter is left out, as JSON; empty for what may be empty, cut where it is longer than `most`."""
    default = parameter["default"]
    if parameter["is_required"] or default is None:
        return ""
    text = json.dumps(default, ensure_ascii=False, default=str)
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"
