"""One question and its answer as a chat."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Step
from steps.chats import said
from steps.row_texts import texts_in


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
        turns = zip(batch, texts_in(batch, "instruction"), texts_in(batch, "response"), strict=True)
        return [{**row, "conversation": [said("user", asked), said("assistant", answer)]} for row, asked, answer in turns]
