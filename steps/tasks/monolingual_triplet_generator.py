"""Texts in one language that are more and less alike, to train embedding models."""

from __future__ import annotations

from typing import ClassVar

from steps.tasks.attributes import Language
from steps.tasks.triplet import TripletGenerator


class MonolingualTripletGenerator(TripletGenerator):
    """Writes a text, one that means nearly the same, and one that means less of it.

    Attributes that are left empty are drawn for each row; `num_rows` says how many rows there are.

    After Improving Text Embeddings with Large Language Models, https://arxiv.org/abs/2401.00368

    Example:
        >>> source = MonolingualTripletGenerator(language="German", num_rows=3)
        >>> [sorted(row) for row in source.generate()][:1], source.count()
        ([['S1', 'S2', 'S3', 'model_name']], 3)
    """

    attributes: ClassVar[tuple[str, ...]] = ("language", *TripletGenerator.attributes)
    prompt: ClassVar[str] = "Write three texts in {language}, each a {unit}: S1, S2 and S3. " + TripletGenerator.GUIDE

    language: Language = "English"
