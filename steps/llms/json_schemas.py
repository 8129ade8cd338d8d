"""How a JSON schema is put into a request: `response_format` of the OpenAI protocol."""

from __future__ import annotations

import re
from typing import Any

from steps.llms.base import JSONSchema

_KEPT = ("type", "enum", "const", "description", "title")
"""Keywords that OpenAI's strict mode takes on every model; bounds and lengths are left to our own validation."""


class _NotStrict(Exception):
    """OpenAI's strict mode has no such schema."""


def json_schema_format(schema: JSONSchema, *, for_openai: bool) -> dict[str, Any]:
    """`response_format` that has the server enforce `schema`.

    OpenAI enforces only what is marked `strict`, and takes only a subset of JSON schema there: every property required,
    none added, no bounds. The schema is rewritten to that, or sent as a mere hint where it cannot be (free-form
    objects). Other servers enforce the schema as it is.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
    if not for_openai:
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    try:
        return {"type": "json_schema", "json_schema": {"name": name, "schema": _strict(schema), "strict": True}}
    except _NotStrict:
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": False}}


def _strict(schema: Any) -> JSONSchema:
    if not isinstance(schema, dict) or "allOf" in schema or "prefixItems" in schema:
        raise _NotStrict
    if "$ref" in schema:  # takes no neighbours
        return {"$ref": schema["$ref"]}
    strict = {key: schema[key] for key in _KEPT if key in schema}
    if options := schema.get("anyOf") or schema.get("oneOf"):
        strict["anyOf"] = [_strict(option) for option in options]
    elif not strict.keys() & {"type", "enum", "const"}:
        raise _NotStrict
    if schema.get("type") == "object":
        if not schema.get("properties") or schema.get("additionalProperties"):
            raise _NotStrict
        strict["properties"] = {name: _strict(value) for name, value in schema["properties"].items()}
        strict |= {"required": list(schema["properties"]), "additionalProperties": False}
    if schema.get("type") == "array":
        strict["items"] = _strict(schema.get("items"))
    if "$defs" in schema:
        strict["$defs"] = {name: _strict(value) for name, value in schema["$defs"].items()}
    return strict
