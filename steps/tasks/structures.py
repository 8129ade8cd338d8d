"""What a row wants a reply to be: JSON that follows a schema, or text that a regular expression matches."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import orjson

from steps.base import Row
from steps.errors import RowError
from steps.extras import extra
from steps.json_texts import json_in
from steps.llms.base import JSONSchema
from steps.wording import quoted

_FIX = 'it should be {"format": "json", "schema": a JSON schema} or {"format": "regex", "schema": a regular expression}'

_NEEDED_FOR = "checking replies by a JSON schema"
_CORRECT = "correct it in the source"


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
    if not isinstance(schema, str):
        raise RowError(f"the regex in {column!r} is {quoted(schema)}, not text", _FIX)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of expressions that a later Python may read otherwise
            return Structure(pattern=re.compile(schema))
    except (re.error, RecursionError, OverflowError) as error:
        raise RowError(f"the regex in {column!r} is {quoted(schema)}: {error}", _FIX) from error


def check_schema(schema: JSONSchema) -> None:
    """Check that a JSON schema is one.

    Raises:
        RowError: It is none.
    """
    jsonschema = extra("jsonschema", "validators", _NEEDED_FOR)
    try:
        orjson.dumps(schema)
        _validator_for(schema).check_schema(schema)
    except TypeError as error:  # half a character, bytes
        raise RowError(f"the JSON schema cannot be used: it cannot be written as JSON: {error}", _CORRECT) from error
    except jsonschema.exceptions.SchemaError as error:
        raise RowError(f"the JSON schema cannot be used: {_short(error.message)}", _CORRECT) from error
    except RecursionError as error:
        raise RowError("the JSON schema cannot be used: it is nested too deep", _CORRECT) from error


def misfit(value: Any, schema: JSONSchema) -> str | None:
    """What is wrong with a value, by a JSON schema; None if it fits. References to other documents are not followed.

    Raises:
        RowError: The schema is none.
    """
    jsonschema, referencing = (extra(name, "validators", _NEEDED_FOR) for name in ("jsonschema", "referencing"))
    check_schema(schema)
    try:
        found = _validator_for(schema)(schema, registry=referencing.Registry()).iter_errors(value)
        wrong = jsonschema.exceptions.best_match(found)
    except (referencing.exceptions.Unresolvable, re.error, RecursionError) as error:
        raise RowError(f"the JSON schema cannot be used: {error}", _CORRECT) from error
    if wrong is None:
        return None
    return f"{wrong.json_path.removeprefix('$.')}: {_short(wrong.message)}"


def _validator_for(schema: JSONSchema) -> Any:
    jsonschema = extra("jsonschema", "validators", _NEEDED_FOR)
    return jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)


def _short(message: str) -> str:
    """A message of jsonschema, which may hold the whole value, cut short."""
    return message if len(message) <= 200 else f"{message[:100]} ... {message[-100:]}"


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json_in(value)
    except ValueError:
        return value
