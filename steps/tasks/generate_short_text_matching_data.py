"""Pairs of short texts that match, to train embedding models."""

from __future__ import annotations

from typing import ClassVar

from steps.tasks.text_matching import Match, MatchingTexts, matching_prompt


class ShortMatch(Match):  # the name stands in the schema that models are shown
    pass


class GenerateShortTextMatchingData(MatchingTexts):
    """Writes two short texts that match as a task says.

    Nothing is drawn here: `seed` is there because distilabel has it. Tasks come from EmbeddingTaskGenerator with the category
    text-matching-short.

    After Improving Text Embeddings with Large Language Models, https://arxiv.org/abs/2401.00368

    Example:
        >>> task = GenerateShortTextMatchingData()
        >>> task.format_output('{"input": "a", "positive_document": "b"}', {"task": "Match letters."})
        {'input': 'a', 'positive_document': 'b'}
    """

    Answer = ShortMatch
    prompt: ClassVar[str] = matching_prompt(", as short as a title, a phrase or one sentence", "short")
