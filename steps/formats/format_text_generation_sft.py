"""Rows for supervised fine-tuning."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Step
from steps.formats.chats import questions_in, supervised


class FormatTextGenerationSFT(Step):
    """Writes instruction and answer as chat messages, for supervised fine-tuning.

    A `system_prompt` in the row becomes the first message.

    Example:
        >>> [row] = FormatTextGenerationSFT().process([{"instruction": "2+2?", "generation": "4"}])
        >>> row["messages"]
        [{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}]
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("instruction", "generation")
    optional_inputs: ClassVar[tuple[str, ...]] = ("system_prompt",)
    outputs: ClassVar[tuple[str, ...]] = ("prompt", "prompt_id", "messages")

    def process(self, batch: Batch) -> Batch:
        return supervised(batch, questions_in(batch))
