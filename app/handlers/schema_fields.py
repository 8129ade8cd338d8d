"""One parameter of a schema as a field: its kind, its limits, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import yaml

from app.handlers.fields import UNSET, FormField, Kind, Part
from app.handlers.wording import label_of
from steps.wording import counted

LONGEST_YAML = 20_000
LONGEST_ROWS = 200_000
ROWS_HELP = "One JSON object a line. A JSON list, or CSV with a header, can be pasted too."


def field_of(
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
    label, info = _label(path[-1], described), str(described.get("description", ""))
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
    elif kinds == ["rows"] and _are_rows(current) and len(text := as_json_lines(current)) <= LONGEST_ROWS:
        examples = described.get("examples") or [[]]
        common["info"] = f"{info} {ROWS_HELP}".strip()
        yield FormField(**common, kind="rows", shown=text, placeholder=as_json_lines(examples[0]))
    elif len(text := as_yaml(current)) <= LONGEST_YAML:
        yield FormField(**common, kind="yaml", shown=text)
    else:
        size = counted(len(current), "row") if isinstance(current, list) else counted(len(text), "character")
        yield FormField(**common, kind="note", shown=f"{size}, too long for a field: change it in the YAML.")


def _label(name: str, described: Mapping[str, Any]) -> str:
    """The title that a parameter was given, or its name; pydantic makes titles of names, in letters of its own."""
    title = str(described.get("title", ""))
    return title if title and title != name.replace("_", " ").title() else label_of(name)


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
        case "array" if option.get("items", {}).get("type") == "object":
            return "rows"
    return "yaml"


def _limit(option: Mapping[str, Any], name: Literal["minimum", "maximum"]) -> float | None:
    exclusive = option.get({"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}[name])
    if exclusive is not None and option.get("type") == "integer":
        return float(exclusive) + (1 if name == "minimum" else -1)
    found = option.get(name)
    return None if found is None else float(found)


def _as_list(value: Any) -> str:
    items = [value] if isinstance(value, str) else list(value or ())
    if any("," in item for item in items):
        return "\n".join(items) + "\n"
    return ", ".join(items)


def _are_rows(value: Any) -> bool:
    """Whether a value is rows that JSON has, so that the field reads back what it shows."""
    if value is None or not isinstance(value, list):
        return value is None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return all(isinstance(row, dict) for row in value)


def as_json_lines(rows: Any) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows or ())


def as_yaml(value: Any) -> str:
    if value is None or value in ({}, []):
        return ""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text.removesuffix("...\n").strip()
