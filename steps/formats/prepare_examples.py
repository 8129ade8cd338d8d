"""Examples for a prompt, as one text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, naming_missing
from steps.errors import RowError

_MARKS = {"{query}": "%(query)s", "{answers}": "%(answers)s", "{{": "{", "}}": "}", "%": "%%"}
"""What a template holds, as Python's `%` wants it: the fastest way to fill in."""
_MARK = re.compile("|".join(map(re.escape, _MARKS)))


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
        return [*(column for column in received if column not in (*self.inputs, *self.outputs)), *self.outputs]

    def process(self, batch: Batch) -> Batch:
        with naming_missing(batch, self.inputs):
            return [self._prepare(row) for row in batch]

    def _prepare(self, row: Row) -> Row:
        text = self._text(row)
        return {column: value for column, value in row.items() if column not in self.inputs} | {"examples": text}

    def _text(self, row: Row) -> str:
        for column in self.inputs:
            if not isinstance(row[column], list):
                raise RowError(f"column {column!r} holds a {type(row[column]).__name__}, not a list", "DataSampler makes lists")
        queries, answers = row["query"], row["answers"]
        if len(queries) != len(answers):
            raise RowError(f"there are {len(queries)} queries and {len(answers)} answers", "each query needs one")
        form = _as_format(self.template)
        pairs = zip(queries, answers, strict=True)
        return "\n\n".join([form % {"query": _as_text(query), "answers": _as_text(answer)} for query, answer in pairs])


@lru_cache
def _as_format(template: str) -> str:
    return _MARK.sub(lambda found: _MARKS[found[0]], template)


def _as_text(value: Any) -> str:
    if value is None:
        raise RowError("an example has no query or no answers: None", "draw from rows that have both")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
