"""Vectors of texts."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import FILL_IT, Batch, Group, Step, is_missing, naming_missing
from steps.embeddings.base import AnyEmbeddings
from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
from steps.errors import MissingValue, RowError


class EmbeddingGeneration(Step):
    """Turns each text into a vector.

    Texts of similar meaning get vectors that are near each other: what nearest neighbours, clusters and deduplication work on.

    Example:
        >>> [row] = EmbeddingGeneration().process([{"text": "hello"}])
        >>> len(row["embedding"])
        64
    """

    group: ClassVar[Group] = "columns"
    inputs: ClassVar[tuple[str, ...]] = ("text",)
    outputs: ClassVar[tuple[str, ...]] = ("embedding",)

    embeddings: AnyEmbeddings = Field(default_factory=RehearsalEmbeddings, description="The model that makes the vectors.")

    def preferred_pool(self) -> str:
        return self.embeddings.default_pool

    def load(self) -> None:
        self.embeddings.load()

    def unload(self) -> None:
        self.embeddings.unload()

    def process(self, batch: Batch) -> Batch:
        with naming_missing(batch, ["text"]):
            texts = [_text(row["text"]) for row in batch]
        vectors = self.embeddings.embed(texts) if texts else []
        return [{**row, "embedding": vector} for row, vector in zip(batch, vectors, strict=True)]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if is_missing(value):
        raise MissingValue(f"this row has nothing in 'text': {value!r}", FILL_IT)
    raise RowError(f"column 'text' holds a {type(value).__name__}, not text", "name a column of texts in `input_mappings`")
