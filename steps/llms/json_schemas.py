"""How a JSON schema is put into a request: `response_format` of the OpenAI protocol, in the ways of its servers."""

from __future__ import annotations

import re
from typing import Any

from steps.llms.base import JSONSchema
from steps.providers import Schemas

_KEPT = ("type", "enum", "const", "description", "title")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems")
"""Bounds that OpenAI's own models hold to; those that were fine-tuned refuse them. Lengths of texts: none takes them."""
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_IGNORED = frozenset(
    {
        *("properties", "required", "additionalProperties", "items", "anyOf", "oneOf", "$defs"),  # rewritten
        *("default", "examples", "discriminator", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"),
        *("minLength", "maxLength", "pattern", "format", "uniqueItems", *_BOUNDS),  # our own validation sees to them
        *("minProperties", "maxProperties"),
    }
)
"""Keywords that may be left out: without them a schema takes more, never less."""
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class NotStrict(Exception):
    """OpenAI's strict mode has no such schema."""


def schema_format(schema: JSONSchema, way: Schemas, *, is_fine_tuned: bool = False) -> dict[str, Any]:
    """`response_format` that has the server enforce `schema`, in its way.

    OpenAI enforces only what is marked `strict`, and takes only a subset of JSON schema there: an object at the top, every
    property required, none added, no defaults, no lengths. The schema is rewritten to that, or sent as a mere hint where it
    cannot be (free-form objects). Other servers enforce the schema as it is, or know JSON alone.

    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if way in ("object", "none"):
        return {"type": "json_object"}
    if way == "object-with-schema":
        return {"type": "json_object", "schema": schema}
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
    if way == "plain":
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    try:
        wanted = {"schema": strict_schema(schema, takes_bounds=not is_fine_tuned), "strict": True}
    except NotStrict:
        wanted = {"schema": schema, "strict": False}
    return {"type": "json_schema", "json_schema": {"name": name, **wanted}}


def strict_schema(schema: JSONSchema, *, takes_bounds: bool) -> JSONSchema:
    """The schema as strict modes want it: every property required, none added; `takes_bounds`: numbers may have them.

    Raises:
        NotStrict: It has no such form.
    """
    return _Strict(schema, takes_bounds=takes_bounds).whole()


class _Strict:
    """Rewrites one schema for OpenAI's strict mode."""

    def __init__(self, schema: JSONSchema, *, takes_bounds: bool) -> None:
        self._schema = schema
        self._takes_bounds = takes_bounds

    def whole(self) -> JSONSchema:
        root, defs = self._schema, self._schema.get("$defs", {})
        if isinstance(ref := root.get("$ref"), str):  # a model that holds itself: the top may not be a reference
            root = defs.get(ref.removeprefix("#/$defs/"), {})
        if root.get("type") != "object":
            raise NotStrict
        strict = self._part(root)
        return {**strict, "$defs": {name: self._part(part) for name, part in defs.items()}} if defs else strict

    def _part(self, schema: Any) -> JSONSchema:
        if not isinstance(schema, dict):
            raise NotStrict
        if "$ref" in schema:  # takes no neighbours, but may stand in an anyOf that has them
            ref = {"$ref": schema["$ref"]}
            return {"description": schema["description"], "anyOf": [ref]} if "description" in schema else ref
        if schema.keys() - {*_KEPT, *_IGNORED}:
            raise NotStrict
        strict = {key: schema[key] for key in _KEPT if key in schema}
        if options := schema.get("anyOf") or schema.get("oneOf"):
            if "properties" in schema or "items" in schema:
                raise NotStrict
            return strict | {"anyOf": [self._part(option) for option in options]}
        if "type" not in strict:
            strict["type"] = _type_of(schema["enum"] if "enum" in schema else [schema.get("const", ...)])
        kinds = strict["type"] if isinstance(strict["type"], list) else [strict["type"]]
        if "object" in kinds:
            if not schema.get("properties") or schema.get("additionalProperties"):
                raise NotStrict
            strict["properties"] = {name: self._part(value) for name, value in schema["properties"].items()}
            strict |= {"required": list(schema["properties"]), "additionalProperties": False}
        if "array" in kinds:
            strict["items"] = self._part(schema.get("items"))
        return strict | self._limits(schema)

    def _limits(self, schema: JSONSchema) -> JSONSchema:
        if not self._takes_bounds:
            return {}
        limits = {key: schema[key] for key in _BOUNDS if key in schema}
        if schema.get("format") in _FORMATS:
            limits["format"] = schema["format"]
        if "pattern" in schema and not _LOOKAROUND.search(schema["pattern"]):
            limits["pattern"] = schema["pattern"]
        return limits


def _type_of(values: list[Any]) -> str | list[str]:
    """What strict mode wants to be told: the type, or types, of these values."""
    if not values or any(type(value) not in _TYPES for value in values):
        raise NotStrict
    types = sorted({_TYPES[type(value)] for value in values})
    return types[0] if len(types) == 1 else types
