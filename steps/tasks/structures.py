"""What a row wants a reply to be: JSON that follows a schema, or text that a regular expression matches."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from steps.base import Row
from steps.errors import RowError
from steps.extras import extra
from steps.llms.base import JSONSchema
from steps.wording import quoted

_FIX = 'it should be {"format": "json", "schema": a JSON schema} or {"format": "regex", "schema": a regular expression}'


@dataclass(frozen=True, slots=True)
class Structure:
    """One of `schema` and `pattern` is set."""

    schema: JSONSchema | None = None
    pattern: re.Pattern[str] | None = None


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
    try:
        return Structure(pattern=re.compile(schema))
    except (re.error, TypeError) as error:
        raise RowError(f"the regex in {column!r} is {quoted(schema)}: {error}", _FIX) from error


def misfit(value: Any, schema: JSONSchema) -> str | None:
    """What is wrong with a value, by a JSON schema; None if it fits. References to other documents are not followed.

    Raises:
        RowError: The schema is none.
    """
    jsonschema = extra("jsonschema", "validators", "checking replies by a JSON schema")
    referencing = extra("referencing", "validators", "checking replies by a JSON schema")
    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        validator.check_schema(schema)
        found = validator(schema, registry=referencing.Registry()).iter_errors(value)
        wrong = jsonschema.exceptions.best_match(found)
    except jsonschema.exceptions.SchemaError as error:
        raise RowError(f"the JSON schema cannot be used: {error.message}", "correct it in the source") from error
    except (referencing.exceptions.Unresolvable, re.error, RecursionError) as error:
        raise RowError(f"the JSON schema cannot be used: {error}", "correct it in the source") from error
    if wrong is None:
        return None
    return f"{wrong.json_path.removeprefix('$.')}: {_short(wrong.message)}"


def _short(message: str) -> str:
    """A message of jsonschema, which may hold the whole value, cut short."""
    return message if len(message) <= 200 else f"{message[:100]} ... {message[-100:]}"


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
