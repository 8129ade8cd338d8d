"""Ask a model anything about a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import FILL_IT, Row
from steps.chats import user_asks
from steps.errors import Complaint, MissingValue
from steps.llms.base import Chat
from steps.row_texts import own_text
from steps.tasks.base import Task
from steps.templates import compile_template, template_columns, template_problem


class TextGeneration(Task):
    """Answers each instruction.

    The prompt is a Jinja template over the row's columns; the default passes `instruction` on as it is. A column
    `system_prompt` in the rows comes before the parameter of that name.

    Example:
        >>> task = TextGeneration(template="Summarise in {{ words }} words: {{ text }}", columns=["text", "words"])
        >>> task.format_input({"text": "Tides follow the moon.", "words": 2})
        [{'role': 'user', 'content': 'Summarise in 2 words: Tides follow the moon.'}]
    """

    optional_inputs: ClassVar[tuple[str, ...]] = ("system_prompt",)
    outputs: ClassVar[tuple[str, ...]] = ("generation",)

    system_prompt: str | None = Field(
        default=None, description="What the model is told about its role.", json_schema_extra={"multiline": True}
    )
    use_system_prompt: bool = Field(default=True, description="Use the rows' own `system_prompt` where they have one.")
    template: str = Field(
        default="{{ instruction }}", description="Prompt, as a Jinja template.", json_schema_extra={"multiline": True}
    )
    columns: str | list[str] = Field(default="instruction", description="Columns that the template uses.")
    _render: Any = PrivateAttr(default=None)

    def needs(self) -> list[str]:
        return [self.columns] if isinstance(self.columns, str) else list(self.columns)

    def check(self) -> Iterable[Complaint]:
        if problem := template_problem(self.template):
            yield f"template: {problem}"
        elif unknown := sorted(template_columns(self.template) - set(self.needs()) - {"system_prompt"}):
            yield f"template uses {', '.join(map(repr, unknown))}, which `columns` does not list: {self.needs()}"

    def format_input(self, row: Row) -> Chat:
        if self._render is None:
            self._render = compile_template(self.template)
        own = own_text(row, "system_prompt") if self.use_system_prompt else None
        text = self._render(row)
        if not text.strip():
            raise MissingValue(f"the template makes a blank prompt of this row: {text!r}", FILL_IT)
        return user_asks(text, own or self.system_prompt)

    def format_output(self, text: str, row: Row) -> Row:
        return {"generation": text}
