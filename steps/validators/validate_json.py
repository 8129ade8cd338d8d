"""Texts that have to be JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from steps.base import Row, is_missing
from steps.errors import Complaint, RunError
from steps.extras import without_extra
from steps.json_schemas import NEEDED_FOR, UnusableSchema, misfit, schema_problems
from steps.json_texts import json_in
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

    def check(self) -> Iterable[Complaint]:
        if self.json_schema is None:
            return
        if missing := [name for one in ("jsonschema", "regex") for name in without_extra(one, "validators", NEEDED_FOR)]:
            yield from missing
            return
        for what, fix in schema_problems(self.json_schema):
            yield f"json_schema: {what}", fix

    def verdict(self, row: Row) -> Verdict:
        value = row[self.column]
        if is_missing(value) or (isinstance(value, str) and not value.strip()):
            return Verdict(what_is_no_text(value))
        if isinstance(value, str):
            try:
                value = json_in(code_in(value, ("json",)))
            except json.JSONDecodeError as error:
                return Verdict(f"line {error.lineno}, column {error.colno}: {error.msg}")
            except ValueError as error:
                return Verdict(str(error)[:200])
        return Verdict(self._against_schema(value))

    def _against_schema(self, value: Any) -> str | None:
        if self.json_schema is None:
            return None
        try:
            return misfit(value, self.json_schema)
        except UnusableSchema as error:  # it is the same for all rows
            raise RunError(error.message, "correct `json_schema`") from error
