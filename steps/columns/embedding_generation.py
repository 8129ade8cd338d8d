"""Vectors of texts."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Batch, Group, Step
from steps.embeddings.base import AnyEmbeddings
from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
from steps.row_texts import texts_in


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

    embeddings: AnyEmbeddings = Field(
        default_factory=RehearsalEmbeddings,
        description="The model that makes the vectors.",
        examples=[{"use": "SentenceTransformerEmbeddings", "model": "sentence-transformers/all-MiniLM-L6-v2"}],
    )

    def preferred_pool(self) -> str:
        return self.embeddings.default_pool

    def load(self) -> None:
        self.embeddings.load()

    def unload(self) -> None:
        self.embeddings.unload()

    def process(self, batch: Batch) -> Batch:
        texts = texts_in(batch, "text")
        vectors = self.embeddings.embed(texts) if texts else []
        return [{**row, "embedding": vector} for row, vector in zip(batch, vectors, strict=True)]
