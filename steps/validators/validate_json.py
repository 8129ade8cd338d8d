"""Texts that have to be JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

from pydantic import Field, PrivateAttr

from steps.base import Row, is_missing
from steps.errors import Complaint, RunError
from steps.extras import without_extra
from steps.json_schemas import NEEDED_FOR, SchemaCheck, UnusableSchema, schema_problems
from steps.validators.base import Validator, Verdict, what_is_no_text
from steps.validators.fences import code_in


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
    _follows: SchemaCheck | None = PrivateAttr(default=None)

    def check(self) -> Iterable[Complaint]:
        if self.json_schema is None:
            return
        if missing := [name for one in ("jsonschema", "regex") for name in without_extra(one, "validators", NEEDED_FOR)]:
            yield from missing
            return
        for what, fix in schema_problems(self.json_schema):
            yield f"json_schema: {what}", fix

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
        if self._follows is None:
            self._follows = SchemaCheck(self.json_schema)
        try:
            return self._follows.misfit(value)
        except UnusableSchema as error:
            raise RunError(f"the schema cannot be used: {error}", "put it under `$defs`") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
