"""Examples for prompts that ask for more of their kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require
from steps.errors import RowError
from steps.tasks.sections import as_text

_PLACES = re.compile(r"\{(query|answers)\}")


class PrepareExamples(Step):
    """Writes queries and their calls into one text, as examples for a prompt.

    `query` and `answers` hold lists of the same length, as GroupColumns makes them, or one of each. What comes of them is what
    APIGenGenerator takes as `examples`.

    Example:
        >>> row = {"query": ["Area of 2 x 3?"], "answers": ['[{"name": "area", "arguments": {"a": 2, "b": 3}}]']}
        >>> print(PrepareExamples(template="Q: {query}\\nA: {answers}").process([row])[0]["examples"])
        Q: Area of 2 x 3?
        A: [{"name": "area", "arguments": {"a": 2, "b": 3}}]
    """

    group: ClassVar[Group] = "columns"
    inputs: ClassVar[tuple[str, ...]] = ("query", "answers")
    outputs: ClassVar[tuple[str, ...]] = ("examples",)

    template: str = Field(
        default="## Query:\n{query}\n## Answers:\n{answers}",
        description="How one example is written; {query} and {answers} stand for what the row has.",
        json_schema_extra={"multiline": True},
    )

    def check(self) -> Iterable[str]:
        if missing := [place for place in ("{query}", "{answers}") if place not in self.template]:
            yield f"template shows no {' and no '.join(missing)}"

    def process(self, batch: Batch) -> Batch:
        return [{**row, "examples": self._written(row)} for row in batch]

    def _written(self, row: Row) -> str:
        require(row, self.inputs)
        queries, answers = row["query"], row["answers"]
        if not isinstance(queries, list):
            queries, answers = [queries], [answers]
        if not isinstance(answers, list) or len(answers) != len(queries):
            count = len(answers) if isinstance(answers, list) else f"a {type(answers).__name__}"
            raise RowError(f"`query` holds {len(queries)} and `answers` {count}", "group both columns with GroupColumns")
        pairs = zip(queries, answers, strict=True)
        return "\n\n".join(self._example({"query": query, "answers": answer}) for query, answer in pairs)

    def _example(self, values: dict[str, Any]) -> str:
        return _PLACES.sub(lambda place: as_text(values[place[1]]), self.template)
