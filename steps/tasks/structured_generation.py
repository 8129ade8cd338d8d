"""Answer in a form that each row sets."""

from __future__ import annotations

import re
from random import Random
from typing import Any, ClassVar

import orjson
from pydantic import Field

from steps.base import Row
from steps.chats import user_asks
from steps.errors import BadReply, RowError
from steps.json_schemas import check_schema, misfit
from steps.llms.base import Chat, JSONSchema
from steps.patterns import fits
from steps.row_texts import own_text
from steps.tasks.base import Task
from steps.tasks.lenient_json import Found, without_thoughts
from steps.tasks.regexes import matching_text
from steps.tasks.rehearsing import rehearse_schema
from steps.tasks.replies import SEE_REPLY, Unfit, fitting, schema_instructions
from steps.tasks.structures import Structure, structure_in

_COLUMN = "structured_output"
_MOST_TRIES = 20
_FENCED = re.compile(r"\A```\w*\n(.*?)\n?```\Z", re.DOTALL)


class StructuredGeneration(Task):
    """Answers each instruction in the form that its row sets.

    `structured_output` says which: `{"format": "json", "schema": ...}` with a JSON schema, or
    `{"format": "regex", "schema": ...}` with a regular expression. `generation` is a text that holds to it: the JSON, or what
    the expression matches as a whole. The prompt describes the form, servers that can enforce JSON are given the schema, and
    what breaks the form is repaired.

    Example:
        >>> row = {"instruction": "How warm is it?", "structured_output": {"format": "regex", "schema": r"\\d{1,2} °C"}}
        >>> StructuredGeneration().format_output("21 °C", row)
        {'generation': '21 °C'}
    """

    inputs: ClassVar[tuple[str, ...]] = ("instruction", _COLUMN)
    optional_inputs: ClassVar[tuple[str, ...]] = ("system_prompt",)
    outputs: ClassVar[tuple[str, ...]] = ("generation",)

    use_system_prompt: bool = Field(default=False, description="Use the rows' own `system_prompt` where they have one.")

    def check_row(self, row: Row) -> None:
        super().check_row(row)
        if (schema := structure_in(row, _COLUMN).schema) is not None:
            check_schema(schema)

    def reply_schema(self, row: Row) -> JSONSchema | None:
        return structure_in(row, _COLUMN).schema

    def format_input(self, row: Row) -> Chat:
        wanted = structure_in(row, _COLUMN)
        if wanted.schema is not None:
            form = schema_instructions(wanted.schema)
        else:
            assert wanted.pattern is not None
            form = f"Reply with nothing but text that this regular expression matches as a whole:\n{wanted.pattern}"
        own = own_text(row, "system_prompt") if self.use_system_prompt else None
        return user_asks(f"{row['instruction']}\n\n{form}", own)

    def format_output(self, text: str, row: Row) -> Row:
        wanted = structure_in(row, _COLUMN)
        if wanted.schema is not None:
            return {"generation": _json_in(text, wanted.schema)}
        assert wanted.pattern is not None
        said = without_thoughts(text).strip()
        fenced = _FENCED.match(said)
        for candidate in (text, said, fenced[1] if fenced else said.strip("`")):
            if fits(wanted.pattern, candidate, whole=True):
                return {"generation": candidate}
        what = f"the reply should be text that {wanted.pattern!r} matches as a whole, not {said[:80]!r}"
        raise BadReply(what, SEE_REPLY, text)

    def rehearse(self, row: Row, rng: Random) -> str:
        wanted = structure_in(row, _COLUMN)
        for _ in range(_MOST_TRIES):
            if (made := _made_up(wanted, rng)) is not None:
                return made
        form = "regular expression" if wanted.pattern is not None else "JSON schema"
        raise RowError(f"nothing could be made up that fits this {form}", "try this row with a model")


def _made_up(wanted: Structure, rng: Random) -> str | None:
    """A text of this form; None where none was found."""
    if wanted.pattern is not None:
        return matching_text(wanted.pattern, rng)
    schema = wanted.schema or {}
    made = rehearse_schema(schema, rng)
    return made if misfit(orjson.loads(made), schema) is None else None


def _json_in(text: str, schema: JSONSchema) -> str:
    """The JSON of a reply that fits, as text: as the model wrote it where it wrote nothing else."""
    try:
        if misfit(orjson.loads(text), schema) is None:
            return text.strip()
    except orjson.JSONDecodeError:
        pass

    def fit(found: Found) -> Any:
        if wrong := misfit(found.value, schema):
            raise Unfit(wrong)
        return found.value

    return orjson.dumps(fitting(text, fit)).decode()
