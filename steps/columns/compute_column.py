"""A column that follows from others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from steps.base import Batch, Group, Row, Step, require
from steps.errors import Complaint, RowError
from steps.json_texts import json_in
from steps.templates import compile_template, template_columns, template_problem


class ComputeColumn(Step):
    """Adds a column that a template makes of the others.

    The template is Jinja, and may use every column of the row: `{{ price * 1.19 }}`, `{{ person.name }}`,
    `{% if age < 18 %}child{% else %}adult{% endif %}`. It runs sandboxed. `result` says what becomes of its text; for JSON,
    write values with `{{ column | tojson }}`.

    Example:
        >>> step = ComputeColumn(column="total", template="{{ price * count }}", result="number")
        >>> step.process([{"price": 2.5, "count": 4}])
        [{'price': 2.5, 'count': 4, 'total': 10.0}]
    """

    group: ClassVar[Group] = "columns"

    column: str = Field(min_length=1, description="Column that gets the result.", examples=["question"])
    template: str = Field(
        description="What it is made of, as a Jinja template.",
        examples=["{{ instruction }} Answer in {{ language }}."],
        json_schema_extra={"multiline": True},
    )
    result: Literal["text", "number", "boolean", "json"] = Field(
        default="text", description="What the template's text is read as."
    )
    _render: Any = PrivateAttr(default=None)

    def needs(self) -> list[str]:
        return [] if template_problem(self.template) else sorted(template_columns(self.template))

    def makes(self) -> list[str]:
        return [self.column]

    def check(self) -> Iterable[Complaint]:
        if problem := template_problem(self.template):
            yield f"template: {problem}"

    def process(self, batch: Batch) -> Batch:
        if self._render is None:
            self._render = compile_template(self.template)
        needed = self.needs()
        return [{**row, self.column: self._computed(row, needed)} for row in batch]

    def _computed(self, row: Row, needed: list[str]) -> Any:
        require(row, needed)
        text = self._render(row)
        if self.result == "text":
            return text
        value = self._read(text.strip())
        kinds = {"number": (int, float), "boolean": (bool,), "json": (object,)}[self.result]
        if not isinstance(value, kinds) or (self.result == "number" and isinstance(value, bool)):
            raise self._unread(text)
        return value

    def _read(self, text: str) -> Any:
        if self.result == "boolean":
            return {"True": True, "true": True, "False": False, "false": False}.get(text)
        try:
            return json_in(text)
        except ValueError as error:
            raise self._unread(text) from error

    def _unread(self, text: str) -> RowError:
        what = {"number": "a number", "boolean": "true or false", "json": "JSON"}[self.result]
        fix = "write values with `| tojson`" if self.result == "json" else "change the template, or `result`"
        return RowError(f"the template makes {text[:60]!r} of this row, which is not {what}", fix)
