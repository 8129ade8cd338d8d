"""What a row wants a reply to be: JSON that follows a schema, or text that a regular expression matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steps.base import Row
from steps.errors import RowError
from steps.json_texts import json_in
from steps.llms.base import JSONSchema
from steps.patterns import pattern_problem
from steps.wording import quoted

_FIX = 'it should be {"format": "json", "schema": a JSON schema} or {"format": "regex", "schema": a regular expression}'


@dataclass(frozen=True, slots=True)
class Structure:
    """One of `schema` and `pattern` is set."""

    schema: JSONSchema | None = None
    pattern: str | None = None


def structure_in(row: Row, column: str) -> Structure:
    """The structure in a column. Both it and its schema may be JSON texts: tables hold columns of one shape only.

    Raises:
        RowError: It holds something else.
    """
    wanted = _from_json(row[column])
    if not isinstance(wanted, dict) or wanted.get("format") not in ("json", "regex"):
        raise RowError(f"column {column!r} holds {quoted(wanted)}", _FIX)
    schema: Any = wanted.get("schema")
    if wanted["format"] == "json":
        schema = {"type": "object"} if schema is None else _from_json(schema)
        if not isinstance(schema, dict):
            raise RowError(f"the schema in {column!r} is {quoted(schema)}, not a JSON schema", _FIX)
        return Structure(schema=schema)
    if not isinstance(schema, str):
        raise RowError(f"the regex in {column!r} is {quoted(schema)}, not text", _FIX)
    if problem := pattern_problem(schema):
        raise RowError(f"the regex in {column!r} is {quoted(schema)}: {problem}", _FIX)
    return Structure(pattern=schema)


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json_in(value)
    except ValueError:
        return value
