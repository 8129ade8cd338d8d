"""Replies that should be JSON: how to ask for them, how to read them, and how to make one up."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, StringConstraints, ValidationError

from steps.errors import BadReply
from steps.llms.base import JSONSchema
from steps.tasks.lenient_json import NoJSON, find_json

SHOWN_COMPLAINTS = 5
SEE_REPLY = "see the reply; a stronger model often helps"
Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text of a reply that must not be blank."""

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


def schema_of(answer: type[BaseModel]) -> JSONSchema:
    """JSON schema of what `answer` validates: a new one each time, so it may be changed."""
    schema: JSONSchema = orjson.loads(_schema_json(answer))
    return schema


@cache  # pydantic takes a millisecond to make one, and each row needs it
def _schema_json(answer: type[BaseModel]) -> bytes:
    return orjson.dumps(answer.model_json_schema())


def schema_instructions(schema: JSONSchema) -> str:
    """Words that ask for JSON of this shape."""
    return f"Reply with nothing but JSON that follows this schema:\n{json.dumps(schema, ensure_ascii=False)}"


def parse_answer(text: str, answer: type[BaseModel]) -> dict[str, Any]:
    """Columns of a JSON reply, checked against `answer`.

    What stands around the JSON is ignored, and slips in it are mended (`lenient_json`). Of several values in a reply the
    one that fits is taken. Mended JSON has to fit exactly: a field that nobody asked for shows that it was mended wrongly.

    Raises:
        BadReply: There is none, it does not fit, or several different ones do; the message names the fields.
    """
    try:
        found = find_json(text)
    except NoJSON as error:
        raise BadReply(str(error), SEE_REPLY, text) from error
    fitting: list[dict[str, Any]] = []
    wrong: ValidationError | None = None
    for value in found:
        try:
            read = answer.model_validate(value.value, extra="forbid" if value.is_mended else None)
        except ValidationError as error:
            wrong = error
        else:
            columns = read.model_dump(mode="json")
            if columns not in fitting:
                fitting.append(columns)
    if len(fitting) > 1:
        raise BadReply(f"the reply holds {len(fitting)} different answers", SEE_REPLY, text)
    if not fitting:
        assert wrong is not None
        raise BadReply(f"the reply does not fit what was asked for: {_complaints(wrong)}", SEE_REPLY, text) from wrong
    return fitting[0]


def _complaints(error: ValidationError) -> str:
    wrong = error.errors(include_url=False)
    said = [f"{'.'.join(map(str, one['loc'])) or 'reply'}: {one['msg']}" for one in wrong[:SHOWN_COMPLAINTS]]
    more = len(wrong) - len(said)
    return "; ".join([*said, f"and {more} more"] if more else said)


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
