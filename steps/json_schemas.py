"""JSON schemas that come from shared files and rows: nothing they refer to is fetched, and no pattern in them takes forever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from steps.errors import RowError
from steps.extras import extra
from steps.patterns import fits, pattern_problem

NEEDED_FOR = "a JSON schema"


class UnusableSchema(ValueError):
    """A JSON schema that nothing can be checked by, and why."""


def schema_problems(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a JSON schema, and what to do, as far as it can be told without a value."""
    jsonschema = _jsonschema()
    fix = "correct the schema"
    try:
        orjson.dumps(schema)
        _draft_of(schema).check_schema(schema)
    except TypeError as error:  # half a character, bytes
        yield f"it cannot be written as JSON: {error}", fix
        return
    except jsonschema.exceptions.SchemaError as error:
        yield f"at {error.json_path}: {_short(error.message)}", fix
        return
    except RecursionError:
        yield "it is nested too deep", "make it flatter"
        return
    for pattern in _patterns(schema):
        if problem := pattern_problem(pattern):
            yield f"the pattern {pattern[:60]!r}: {problem}", fix
    for reference in _references(schema):
        if not reference.startswith("#"):
            yield f"{reference!r} refers to another document", "put it under `$defs`, and write #/$defs/NAME"


def check_schema(schema: dict[str, Any]) -> None:
    """Check that values can be checked by a JSON schema.

    Raises:
        UnusableSchema: They cannot.
    """
    for what, _ in schema_problems(schema):
        raise UnusableSchema(what)


class SchemaCheck:
    """Checks values by one JSON schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._validator = _validator(schema)

    def misfit(self, value: Any) -> str | None:
        """What is wrong with a value, and where; None if it fits.

        Raises:
            RowError: It takes too long to tell.
            UnusableSchema: It refers to what it does not hold.
        """
        unresolvable = extra("referencing.exceptions", "validators", NEEDED_FOR).Unresolvable
        try:
            error = _jsonschema().exceptions.best_match(self._validator.iter_errors(value))
        except RecursionError:
            return "it, or the schema, is nested too deep"
        except unresolvable as wrong:
            raise UnusableSchema(f"it refers to what it does not hold: {wrong}") from wrong
        return None if error is None else f"at {error.json_path}: {_short(error.message)}"


def misfit(value: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong with the value of a row by its JSON schema, and where; None if it fits.

    Raises:
        RowError: The schema is none, or it takes too long to tell.
    """
    try:
        check_schema(schema)
        return SchemaCheck(schema).misfit(value)
    except UnusableSchema as error:
        raise unusable_in_row(error) from error


def unusable_in_row(error: UnusableSchema) -> RowError:
    """What to say where a row brings such a schema."""
    return RowError(f"the JSON schema cannot be used: {error}", "correct it in the source")


def _jsonschema() -> Any:
    return extra("jsonschema", "validators", NEEDED_FOR)


def _draft_of(schema: dict[str, Any]) -> Any:
    jsonschema = _jsonschema()
    return jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)


def _validator(schema: dict[str, Any]) -> Any:
    """What checks by the schema: reads nothing from the network, and takes no pattern that never ends."""
    jsonschema, registry = _jsonschema(), extra("referencing", "validators", NEEDED_FOR).Registry()

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[Any]:
        if isinstance(value, str) and not fits(wanted, value, whole=False):
            yield jsonschema.ValidationError(f"{value!r} does not match {wanted!r}")

    bounded = jsonschema.validators.extend(_draft_of(schema), {"pattern": pattern})
    return bounded(schema, registry=registry)


def _short(text: str) -> str:
    """Both ends: a message begins with the value, which may be long, and ends with what is wrong with it."""
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-95:]}"


def _patterns(schema: Any) -> Iterator[str]:
    """Patterns anywhere in a schema."""
    for name, value in _parts(schema):
        if name == "pattern" and isinstance(value, str):
            yield value


def _references(schema: Any) -> Iterator[str]:
    """Where a schema points to; none if it names parts of its own by URL, so that these may be meant."""
    parts = list(_parts(schema))
    if not any(name in ("$id", "id") and isinstance(value, str) for name, value in parts):
        yield from (value for name, value in parts if name in ("$ref", "$dynamicRef") and isinstance(value, str))


_DATA = ("const", "enum", "default", "examples")
"""What holds values, not schemas."""


def _parts(schema: Any) -> Iterator[tuple[str, Any]]:
    waiting = [schema]
    while waiting:
        match waiting.pop():
            case dict() as found:
                yield from found.items()
                waiting += (value for name, value in found.items() if name not in _DATA)
            case list() as found:
                waiting += found
