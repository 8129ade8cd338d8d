"""Texts in two languages that are more and less alike, to train embedding models."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.tasks.attributes import LANGUAGES
from steps.tasks.triplet import TripletGenerator


class BitextRetrievalGenerator(TripletGenerator):
    """Writes a text, a translation of it, and a text that is less alike.

    Attributes that are left empty are drawn for each row; `num_rows` says how many rows there are.

    After Improving Text Embeddings with Large Language Models, https://arxiv.org/abs/2401.00368

    Example:
        >>> source = BitextRetrievalGenerator(target_language="Spanish", unit="phrase", num_rows=2)
        >>> [source.drawn(seed)["unit"] for seed in source.seeds()]
        ['phrase', 'phrase']
    """

    attributes: ClassVar[tuple[str, ...]] = ("source_language", "target_language", *TripletGenerator.attributes)
    prompt: ClassVar[str] = (
        "Write three texts, each a {unit}: S1 in {source_language}, S2 and S3 in {target_language}. S2 translates S1, as "
        "closely as their likeness says. " + TripletGenerator.GUIDE
    )

    source_language: str = Field(default="English", min_length=1, description="Language of S1.", json_schema_extra=LANGUAGES)
    target_language: str = Field(
        min_length=1, description="Language of S2 and S3.", examples=["French"], json_schema_extra=LANGUAGES
    )
