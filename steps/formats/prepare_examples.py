"""Examples for a prompt, as one text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require
from steps.errors import RowError
from steps.json_texts import text_or_json

_MARKS = {"{query}": "%(query)s", "{answers}": "%(answers)s", "{{": "{", "}}": "}", "%": "%%"}
"""What a template holds, as Python's `%` wants it: the fastest way to fill in."""
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
_GONE = ("query", "answers", "examples")
"""Columns that make way for the new one."""


class PrepareExamples(Step):
    """Writes a row's queries and their answers as one text: examples for a prompt.

    The text takes the place of both columns, which hold lists of equal length, as `DataSampler` makes them. Answers that are
    no text are written as JSON.

    After APIGen: Automated Pipeline for Generating Verifiable and Diverse Function-Calling Datasets,
    https://arxiv.org/abs/2406.18518

    Example:
        >>> PrepareExamples().process([{"query": ["2+2?"], "answers": ['[{"name": "add"}]']}])
        [{'examples': 'Query: 2+2?\\nAnswers: [{"name": "add"}]'}]
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("query", "answers")
    outputs: ClassVar[tuple[str, ...]] = ("examples",)

    template: str = Field(
        default="Query: {query}\nAnswers: {answers}",
        description="Text of one example: {query} and {answers} are filled in; {{ and }} are braces.",
        json_schema_extra={"multiline": True},
    )

    def check(self) -> Iterable[str]:
        if missing := [mark for mark in ("{query}", "{answers}") if mark not in self.template]:
            yield f"`template` has no {' and no '.join(missing)}"

    def columns_after(self, received: Sequence[str]) -> list[str]:
        return [*(column for column in received if column not in _GONE), *self.outputs]

    def process(self, batch: Batch) -> Batch:
        form = _MARK.sub(lambda found: _MARKS[found[0]], self.template)
        return [_prepared(row, form) for row in batch]


def _prepared(row: Row, form: str) -> Row:
    queries, answers = _texts(row, "query"), _texts(row, "answers")
    if len(queries) != len(answers):
        raise RowError(f"there are {len(queries)} queries and {len(answers)} answers", "each query needs one")
    made = {column: value for column, value in row.items() if column not in _GONE}
    pairs = zip(queries, answers, strict=True)
    made["examples"] = "\n\n".join([form % {"query": query, "answers": answer} for query, answer in pairs])
    return made


def _texts(row: Row, column: str) -> list[str]:
    """The examples in a column, as texts."""
    values = row.get(column)
    if not isinstance(values, list):
        require(row, [column])
        raise RowError(f"column {column!r} holds a {type(values).__name__}, not a list", "DataSampler makes lists")
    return [value if isinstance(value, str) else _as_text(value) for value in values]


def _as_text(value: Any) -> str:
    if value is None:
        raise RowError("an example has no query or no answers: None", "draw from rows that have both")
    return text_or_json(value)
