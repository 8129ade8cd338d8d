"""Replies made up for a rehearsal: sentences, and JSON that satisfies a schema."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import orjson

from steps.llms.base import JSONSchema
from steps.tasks.regexes import matching_text

_WORDS = [
    "river",
    "lantern",
    "quiet",
    "signal",
    "paper",
    "orchard",
    "copper",
    "window",
    "morning",
    "thread",
    "harbour",
    "winter",
    "bright",
    "engine",
    "garden",
    "stone",
    "letter",
    "music",
    "shadow",
    "pepper",
    "mountain",
    "ladder",
    "silver",
    "forest",
]


def rehearse_text(rng: Random, words: int = 12) -> str:
    """A sentence that means nothing and says so."""
    return f"(rehearsal) {' '.join(rng.choice(_WORDS) for _ in range(rng.randint(max(1, words // 2), words)))}."


def rehearse_schema(schema: JSONSchema, rng: Random) -> str:
    """JSON text that satisfies `schema`. Of rare keywords (`not`, `if`, `format`, ...) it knows nothing."""
    return orjson.dumps(_value(schema, schema, rng)).decode()


_DEEPEST = 5
"""Below this, what is optional is left out: a schema may hold itself."""


def _value(schema: Any, root: JSONSchema, rng: Random, depth: int = 0) -> Any:
    if not isinstance(schema, dict):
        return rehearse_text(rng)  # `true` takes anything
    if "$ref" in schema:
        return _value(_referred(schema["$ref"], root), root, rng, depth)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    if parts := schema.get("allOf"):
        return _value(
            _merged([{key: value for key, value in schema.items() if key != "allOf"}, *parts], root), root, rng, depth
        )
    if options := schema.get("anyOf") or schema.get("oneOf"):
        plain = [option for option in options if "$ref" not in str(option)] if depth > _DEEPEST else []
        return _value(rng.choice(plain or options), root, rng, depth)
    kind = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else None)
    match rng.choice(kind) if isinstance(kind, list) else kind:
        case "object":
            names = (
                schema.get("required", []) if depth > _DEEPEST else [*schema.get("properties", {}), *schema.get("required", [])]
            )
            known = schema.get("properties", {})
            return {name: _value(known.get(name), root, rng, depth + 1) for name in dict.fromkeys(names)}
        case "array":
            return _list(schema, root, rng, depth)
        case "integer" | "number" as numeric:
            return _number(schema, rng, whole=numeric == "integer")
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
        case _:
            return _text(schema, rng)


def _list(schema: JSONSchema, root: JSONSchema, rng: Random, depth: int) -> list[Any]:
    first = schema.get("prefixItems", [])
    low: int = schema.get("minItems", len(first) or 1)
    if depth > _DEEPEST:
        low = schema.get("minItems", 0)
    most = low if first or depth > _DEEPEST else low + 2
    high: int = schema.get("maxItems", most)
    made: list[Any] = []
    for at in range(rng.randint(min(low, high), high)):
        item = first[at] if at < len(first) else schema.get("items", True)
        drawn = [_value(item, root, rng, depth + 1) for _ in range(10 if schema.get("uniqueItems") else 1)]
        made.append(next((one for one in drawn if one not in made), drawn[0]))
    return made


def _text(schema: JSONSchema, rng: Random) -> str:
    if "pattern" in schema and (text := matching_text(schema["pattern"], rng)) is not None:
        return text
    text = rehearse_text(rng)[: schema.get("maxLength", 1000)]
    return text.ljust(schema.get("minLength", 0), ".")


def _number(schema: JSONSchema, rng: Random, *, whole: bool) -> int | float:
    step = 1 if whole else 1e-3
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    if low is None:
        low = 0 if high is None else high - 10
    if high is None:
        high = low + 10 * schema.get("multipleOf", 1)
    if "multipleOf" in schema:
        unit = schema["multipleOf"]
        times = rng.randint(math.ceil(low / unit), max(math.ceil(low / unit), math.floor(high / unit)))
        return times * unit  # type: ignore[no-any-return] # a number: schemas were checked
    return rng.randint(math.ceil(low), math.floor(high)) if whole else rng.uniform(low, high)


def _referred(ref: str, root: JSONSchema) -> Any:
    """What a reference within the schema leads to; anything goes where it leads nowhere."""
    found: Any = root
    for part in ref.removeprefix("#").split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~"), True) if isinstance(found, dict) else True
    return found


def _merged(parts: list[Any], root: JSONSchema) -> JSONSchema:
    """One schema for what several demand together."""
    merged: JSONSchema = {}
    for part in parts:
        one = _referred(part["$ref"], root) if isinstance(part, dict) and "$ref" in part else part
        if isinstance(one, dict):
            both = {key: merged.get(key, type(one[key])()) for key in ("properties", "required") if key in one}
            merged |= one
            if "properties" in both:
                merged["properties"] = {**both["properties"], **one["properties"]}
            if "required" in both:
                merged["required"] = [*both["required"], *one["required"]]
    return merged
