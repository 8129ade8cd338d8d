"""Rows for preference training."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Group, Step
from steps.formats.chats import questions_in
from steps.formats.preferences import PREFERENCE_COLUMNS, preferred


class FormatTextGenerationDPO(Step):
    """Pairs the best-rated answer with the worst, for preference training (DPO).

    Answers without a rating are left aside. Of equally rated answers the first counts. A `system_prompt` in the row
    becomes the first message, `generation_models` say who answered.

    Example:
        >>> row = {"instruction": "2+2?", "generations": ["5", "4"], "ratings": [1, 5]}
        >>> [row] = FormatTextGenerationDPO().process([row])
        >>> row["chosen"], row["rejected_rating"]
        ([{'role': 'user', 'content': '2+2?'}, {'role': 'assistant', 'content': '4'}], 1)
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("instruction", "generations", "ratings")
    optional_inputs: ClassVar[tuple[str, ...]] = ("system_prompt", "generation_models")
    outputs: ClassVar[tuple[str, ...]] = PREFERENCE_COLUMNS

    def process(self, batch: Batch) -> Batch:
        return preferred(batch, questions_in(batch))
