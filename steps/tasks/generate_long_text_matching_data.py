"""Pairs of long texts that match, to train embedding models."""

from __future__ import annotations

from typing import ClassVar

from steps.tasks.text_matching import Match, MatchingTexts, matching_prompt


class LongMatch(Match):  # the name stands in the schema that models are shown
    pass


class GenerateLongTextMatchingData(MatchingTexts):
    """Writes two long texts that match as a task says.

    Nothing is drawn here: `seed` is there because distilabel has it. Tasks come from EmbeddingTaskGenerator with the category
    text-matching-long.

    After Improving Text Embeddings with Large Language Models, https://arxiv.org/abs/2401.00368

    Example:
        >>> task = GenerateLongTextMatchingData()
        >>> task.format_output('{"input": "a", "positive_document": "b"}', {"task": "Match letters."})
        {'input': 'a', 'positive_document': 'b'}
    """

    Answer = LongMatch
    prompt: ClassVar[str] = matching_prompt(" of several paragraphs, such as an article, a report or a story", "long")
