"""Chats for preference training."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Step
from steps.formats.chats import open_chat_of
from steps.formats.preferences import PREFERENCE_COLUMNS, preferred


class FormatChatGenerationDPO(Step):
    """Pairs the best-rated answer to a chat with the worst, for preference training.

    For DPO and methods like it. Answers without a rating are left aside. Of equally rated answers the first counts. `prompt`
    is what the user said first, `generation_models` say who answered.

    Example:
        >>> chat = [{"role": "user", "content": "2+2?"}]
        >>> [row] = FormatChatGenerationDPO().process([{"messages": chat, "generations": ["5", "4"], "ratings": [1, 5]}])
        >>> row["chosen"], row["rejected_rating"]
        ([{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}], 1)
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("messages", "generations", "ratings")
    optional_inputs: ClassVar[tuple[str, ...]] = ("generation_models",)
    outputs: ClassVar[tuple[str, ...]] = PREFERENCE_COLUMNS

    def process(self, batch: Batch) -> Batch:
        return preferred(batch, map(open_chat_of, batch))
