"""Vectors of texts, with the name of the model that made them."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Batch, Row
from steps.columns.embedding_generation import EmbeddingGeneration
from steps.llms.base import Ask


class GenerateEmbeddings(EmbeddingGeneration):
    """Turns each text into a vector, and says which model did.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685

    Example:
        >>> [row] = GenerateEmbeddings().process([{"text": "hello"}])
        >>> row["model_name"], len(row["embedding"])
        ('rehearsal', 64)
    """

    outputs: ClassVar[tuple[str, ...]] = ("embedding", "model_name")

    def process(self, batch: Batch) -> Batch:
        made = super().process(batch)
        return made if self.asks else [{**row, "model_name": self.embeddings.model_name} for row in made]

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        embedded, model_name = await self._embedded(row, ask)
        return [{**embedded, "model_name": model_name}]
