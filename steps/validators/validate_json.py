"""Texts that have to be JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from pydantic import Field, PrivateAttr

from steps.base import Row, is_missing
from steps.errors import Complaint, RunError
from steps.extras import extra, without_extra
from steps.validators.base import Validator, Verdict, what_is_no_text
from steps.validators.fences import code_in
from steps.validators.patterns import fits, pattern_problem

_NEEDED_FOR = "a JSON schema"


class ValidateJSON(Validator):
    """Checks that a text is JSON, and that it follows a schema.

    `<column>_is_valid` says whether it does, `<column>_problem` what is wrong and where. Of a reply with Markdown fences the
    first JSON fence counts; nothing is mended. Lists and mappings count as JSON that was read already. The schema must not
    refer to other documents.

    Example:
        >>> step = ValidateJSON(column="reply", json_schema={"type": "object", "required": ["rating"]})
        >>> step.process([{"reply": '{"ratings": 4}'}])
        [{'reply': '{"ratings": 4}', 'reply_is_valid': False, 'reply_problem': "at $: 'rating' is a required property"}]
    """

    json_schema: dict[str, Any] | None = Field(
        default=None,
        description="JSON schema that it has to follow; empty to take any JSON.",
        examples=[{"type": "object", "required": ["rating"], "properties": {"rating": {"type": "integer"}}}],
    )
    _follows: Any = PrivateAttr(default=None)

    def check(self) -> Iterable[Complaint]:
        if self.json_schema is None:
            return
        missing = [*without_extra("jsonschema", "validators", _NEEDED_FOR), *without_extra("regex", "validators", _NEEDED_FOR)]
        if missing:
            yield from missing
            return
        jsonschema = extra("jsonschema", "validators", _NEEDED_FOR)
        try:
            _draft_of(jsonschema, self.json_schema).check_schema(self.json_schema)
        except jsonschema.exceptions.SchemaError as error:
            yield f"json_schema: at {error.json_path}: {error.message[:200]}"
            return
        except RecursionError:
            yield "json_schema: it is nested too deep"
            return
        for pattern in _patterns(self.json_schema):
            if problem := pattern_problem(pattern):
                yield f"json_schema: the pattern {pattern[:60]!r}: {problem}"
        for reference in _references(self.json_schema):
            if not reference.startswith("#"):
                yield f"json_schema: {reference!r} refers to another document", "put it under `$defs`, and write #/$defs/NAME"

    def unload(self) -> None:
        self._follows = None

    def verdict(self, row: Row) -> Verdict:
        value = row[self.column]
        if is_missing(value) or (isinstance(value, str) and not value.strip()):
            return Verdict(what_is_no_text(value))
        if isinstance(value, str):
            try:
                value = json.loads(code_in(value, ("json",)), parse_constant=_refuse)
            except json.JSONDecodeError as error:
                return Verdict(f"line {error.lineno}, column {error.colno}: {error.msg}")
            except RecursionError:
                return Verdict("it is nested too deep")
            except ValueError as error:
                return Verdict(str(error)[:200])
        return Verdict(self._against_schema(value))

    def _against_schema(self, value: Any) -> str | None:
        if self.json_schema is None:
            return None
        jsonschema = extra("jsonschema", "validators", _NEEDED_FOR)
        if self._follows is None:
            self._follows = _validator(jsonschema, self.json_schema)
        try:
            error = jsonschema.exceptions.best_match(self._follows.iter_errors(value))
        except RecursionError:
            return "it, or the schema, is nested too deep"
        except extra("referencing.exceptions", "validators", _NEEDED_FOR).Unresolvable as wrong:
            raise RunError(f"the schema refers to what it does not hold: {wrong}", "put it under `$defs`") from wrong
        return None if error is None else f"at {error.json_path}: {_short(error.message)}"


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _short(text: str) -> str:
    """Both ends: a message begins with the value, which may be long, and ends with what is wrong with it."""
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-95:]}"


def _draft_of(jsonschema: Any, schema: dict[str, Any]) -> Any:
    return jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)


def _validator(jsonschema: Any, schema: dict[str, Any]) -> Any:
    """What checks against the schema: reads nothing from the network, and takes no pattern that never ends."""
    from referencing import Registry

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[Any]:
        if isinstance(value, str) and not fits(wanted, value, whole=False):
            yield jsonschema.ValidationError(f"{value!r} does not match {wanted!r}")

    bounded = jsonschema.validators.extend(_draft_of(jsonschema, schema), {"pattern": pattern})
    return bounded(schema, registry=Registry())


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
