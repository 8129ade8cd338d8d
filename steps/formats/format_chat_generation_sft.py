"""Chats for supervised fine-tuning."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Step
from steps.formats.chats import open_chat_of, supervised


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
        return supervised(batch, map(open_chat_of, batch))
