"""Chats for supervised fine-tuning."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Row, Step, naming_missing
from steps.formats.chats import as_supervised, open_chat_of


class FormatChatGenerationSFT(Step):
    """Adds the answer to its chat, for supervised fine-tuning.

    `prompt` is what the user said first. All messages stay as they are, also those of tools.

    Example:
        >>> row = {"messages": [{"role": "user", "content": "2+2?"}], "generation": "4"}
        >>> [row] = FormatChatGenerationSFT().process([row])
        >>> row["messages"], row["prompt"]
        ([{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}], '2+2?')
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("messages", "generation")
    outputs: ClassVar[tuple[str, ...]] = ("prompt", "prompt_id", "messages")

    def process(self, batch: Batch) -> Batch:
        with naming_missing(batch, self.inputs):
            return [self._format(row) for row in batch]

    def _format(self, row: Row) -> Row:
        return as_supervised(row, open_chat_of(row))
