"""One question and its answer as a chat."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Row, Step, naming_missing
from steps.formats.chats import said, text_of


class ConversationTemplate(Step):
    """Writes an instruction and a response as a chat of two messages.

    Example:
        >>> [row] = ConversationTemplate().process([{"instruction": "2+2?", "response": "4"}])
        >>> row["conversation"]
        [{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}]
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("instruction", "response")
    outputs: ClassVar[tuple[str, ...]] = ("conversation",)

    def process(self, batch: Batch) -> Batch:
        with naming_missing(batch, self.inputs):
            return [self._format(row) for row in batch]

    def _format(self, row: Row) -> Row:
        chat = [said("user", text_of(row, "instruction")), said("assistant", text_of(row, "response"))]
        return {**row, "conversation": chat}
