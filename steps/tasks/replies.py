"""Replies that should be JSON: how to ask for them, how to read them, and how to make one up."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from steps.errors import BadReply
from steps.llms.base import JSONSchema

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


def schema_instructions(schema: JSONSchema) -> str:
    """Words that ask for JSON of this shape."""
    return f"Reply with nothing but JSON that follows this schema:\n{json.dumps(schema, ensure_ascii=False)}"


def parse_answer(text: str, answer: type[BaseModel]) -> dict[str, Any]:
    """Columns of a JSON reply, checked against `answer`.

    Models wrap JSON in code fences and remarks: the outermost object or list is taken.

    Raises:
        BadReply: There is none, or it does not fit; the message names the fields.
    """
    found = parse_json(text)
    try:
        return answer.model_validate(found).model_dump(mode="json")
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'reply'}: {e['msg']}" for e in error.errors()[:5])
        raise BadReply(
            f"the reply does not fit what was asked for: {wrong}", "see the reply; a stronger model often helps", text
        ) from error


def parse_json(text: str) -> Any:
    """The JSON value in a reply.

    Raises:
        BadReply: There is none.
    """
    for candidate in (text, text[_first(text, "{[") : _last(text, "}]") + 1]):
        try:
            return orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
    seen = text.strip()[:80]
    raise BadReply(f"the reply holds no JSON: {seen!r}", "see the reply; a stronger model often helps", text)


def _first(text: str, marks: str) -> int:
    return min((at for mark in marks if (at := text.find(mark)) >= 0), default=0)


def _last(text: str, marks: str) -> int:
    return max(text.rfind(mark) for mark in marks)


def rehearse_text(rng: Random, words: int = 12) -> str:
    """A sentence that means nothing and says so."""
    return f"(rehearsal) {' '.join(rng.choice(_WORDS) for _ in range(rng.randint(max(1, words // 2), words)))}."


def rehearse_schema(schema: JSONSchema, rng: Random) -> str:
    """JSON text that satisfies `schema`."""
    return orjson.dumps(_value(schema, schema.get("$defs", {}), rng)).decode()


def _value(schema: JSONSchema, defs: dict[str, JSONSchema], rng: Random) -> Any:
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs, rng)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _value(rng.choice(options), defs, rng)
    match schema.get("type"):
        case "object":
            return {name: _value(field, defs, rng) for name, field in schema.get("properties", {}).items()}
        case "array":
            low = schema.get("minItems", 1)
            return [
                _value(schema.get("items", {}), defs, rng) for _ in range(rng.randint(low, schema.get("maxItems", low + 2)))
            ]
        case "integer" | "number" as kind:
            return _number(schema, rng, whole=kind == "integer")
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
        case _:
            text = rehearse_text(rng)[: schema.get("maxLength", 1000)]
            return text.ljust(schema.get("minLength", 0), ".")


def _number(schema: JSONSchema, rng: Random, *, whole: bool) -> int | float:
    step = 1 if whole else 1e-3
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    if low is None:
        low = 0 if high is None else high - 10
    if high is None:
        high = low + 10
    return rng.randint(int(low), int(high)) if whole else rng.uniform(low, high)
