"""JSON schemas that come from shared files and rows: nothing they refer to is fetched, and no pattern in them takes forever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from steps.errors import RowError
from steps.extras import extra
from steps.patterns import fits, pattern_problem

NEEDED_FOR = "a JSON schema"
MOST_PARTS, MOST_PATTERNS = 10_000, 1000
LONGEST_CHECK_S = 5.0
Keyword = Callable[[Any, Any, Any, Any], Any]
"""Of the library: yields what is wrong with a value by one keyword of a schema."""


class UnusableSchema(RowError):
    """Nothing can be checked by this JSON schema."""


def schema_problems(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a JSON schema, and what to do, as far as it can be told without a value."""
    jsonschema = _jsonschema()
    fix = "correct the schema"
    if (parts := sum(1 for _ in _parts(schema))) > MOST_PARTS:
        yield f"it has {parts:,} parts, of at most {MOST_PARTS:,}", "make it smaller"
        return
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
    patterns = list(_patterns(schema))
    if len(patterns) > MOST_PATTERNS:
        yield f"it has {len(patterns):,} patterns, of at most {MOST_PATTERNS:,}", "use fewer"
        return
    for pattern in patterns:
        if problem := pattern_problem(pattern):
            yield f"the pattern {pattern[:60]!r}: {problem}", fix
    named = {name for name, _ in _parts(schema)}
    if {"patternProperties", "unevaluatedProperties"} <= named:
        yield "`unevaluatedProperties` beside `patternProperties` is not supported", "use `additionalProperties`"
    for reference in _references(schema):
        if not reference.startswith("#"):
            yield f"{reference!r} refers to another document", "put it under `$defs`, and write #/$defs/NAME"


def check_schema(schema: dict[str, Any]) -> None:
    """Check that values can be checked by a JSON schema.

    Raises:
        UnusableSchema: They cannot.
    """
    _check_by(schema)


def misfit(value: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong with a value by a JSON schema, and where; None if it fits.

    Raises:
        UnusableSchema: Nothing can be checked by it.
        RowError: It takes too long to tell.
    """
    check = _check_by(schema)
    unresolvable = extra("referencing.exceptions", "validators", NEEDED_FOR).Unresolvable
    check.clock.start()
    try:
        error = _jsonschema().exceptions.best_match(check.validator.iter_errors(value))
    except RecursionError:
        return "it, or the schema, is nested too deep"
    except unresolvable as wrong:
        raise _unusable(f"it refers to what it does not hold: {wrong}") from wrong
    return None if error is None else f"at {error.json_path}: {_short(error.message)}"


def _unusable(what: str) -> UnusableSchema:
    return UnusableSchema(f"the JSON schema cannot be used: {what}", "correct it in the source")


def _check_by(schema: dict[str, Any]) -> _Check:
    try:
        return _checked(json.dumps(schema))
    except RecursionError as error:
        raise _unusable("it is nested too deep") from error
    except (TypeError, ValueError) as error:  # a date, say
        raise _unusable(f"it cannot be written as JSON: {error}") from error


@lru_cache(maxsize=64)  # making and checking one takes milliseconds, and rows tend to share theirs
def _checked(written: str) -> _Check:
    schema = json.loads(written)
    for what, _ in schema_problems(schema):
        raise _unusable(what)
    clock = _Clock()
    return _Check(_validator(schema, clock), clock)


class _Clock:
    """How long a check has taken: references that lead to references may take it through a small schema for ever."""

    def __init__(self) -> None:
        self._end = 0.0

    def start(self) -> None:
        self._end = time.monotonic() + LONGEST_CHECK_S

    def bound(self, keyword: Keyword) -> Keyword:
        """The keyword, which gives up when the time is over."""

        def bounded(check: Any, wanted: Any, value: Any, around: Any) -> Iterator[Any]:
            if time.monotonic() > self._end:
                what = f"whether this value fits the JSON schema was not known after {LONGEST_CHECK_S:g} s"
                raise RowError(what, "make the schema simpler, or the value shorter")
            yield from keyword(check, wanted, value, around) or ()

        return bounded


class _Check(NamedTuple):
    """What checks by one schema, and how long it may."""

    validator: Any
    clock: _Clock


def _jsonschema() -> Any:
    return extra("jsonschema", "validators", NEEDED_FOR)


def _draft_of(schema: dict[str, Any]) -> Any:
    jsonschema = _jsonschema()
    return jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)


def _validator(schema: dict[str, Any], clock: _Clock) -> Any:
    """What checks by the schema: reads nothing from the network, and takes no pattern that never ends."""
    jsonschema, registry = _jsonschema(), extra("referencing", "validators", NEEDED_FOR).Registry()

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[Any]:
        if isinstance(value, str) and not fits(wanted, value, whole=False):
            yield jsonschema.ValidationError(f"{value!r} does not match {wanted!r}")

    def by_name(check: Any, wanted: dict[str, Any], value: Any, _: Any) -> Iterator[Any]:
        for one, inner in wanted.items() if isinstance(value, dict) else ():
            for name in value:
                if fits(one, name, whole=False):
                    yield from check.descend(value[name], inner, path=name, schema_path=one)

    def others(check: Any, wanted: Any, value: Any, around: dict[str, Any]) -> Iterator[Any]:
        known, patterns = around.get("properties", {}), around.get("patternProperties", {})
        for name in value if isinstance(value, dict) else ():
            if name in known or any(fits(one, name, whole=False) for one in patterns):
                continue
            if wanted is False:
                yield jsonschema.ValidationError(f"{name!r} is not among the properties that are allowed")
            elif isinstance(wanted, dict):
                yield from check.descend(value[name], wanted, path=name)

    def differ(_: Any, wanted: Any, value: Any, __: Any) -> Iterator[Any]:
        if wanted and isinstance(value, list) and len(set(map(_identity, value))) < len(value):
            yield jsonschema.ValidationError(f"{value!r} has non-unique elements")

    own = {"pattern": pattern, "patternProperties": by_name, "additionalProperties": others, "uniqueItems": differ}
    draft = _draft_of(schema)
    bounded = {name: clock.bound(keyword) for name, keyword in {**draft.VALIDATORS, **own}.items()}
    return jsonschema.validators.extend(draft, bounded)(schema, registry=registry)


def _identity(value: Any) -> Any:
    """What only equal values of JSON have: 1 is 1.0, and not true. The library compares each with each."""
    match value:
        case bool():
            return "truth", value
        case list():
            return "list", tuple(map(_identity, value))
        case dict():
            return "object", frozenset((name, _identity(inner)) for name, inner in value.items())
    return value


def _short(text: str) -> str:
    """Both ends: a message begins with the value, which may be long, and ends with what is wrong with it."""
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-95:]}"


def _patterns(schema: Any) -> Iterator[str]:
    """Patterns anywhere in a schema: of texts, and of names."""
    for name, value in _parts(schema):
        if name == "pattern" and isinstance(value, str):
            yield value
        if name == "patternProperties" and isinstance(value, dict):
            yield from value


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
