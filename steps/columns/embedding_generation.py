"""Vectors of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from steps.base import Batch, Group, Row
from steps.embeddings.base import AnyEmbeddings, LocalEmbeddings
from steps.embeddings.packing import unpacked
from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
from steps.llms.base import Ask, Chat, Request, Responder
from steps.row_texts import filled_text_in, texts_in
from steps.tasks.asking import AskingStep


class EmbeddingGeneration(AskingStep):
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
        examples=[
            {"use": "OpenAIEmbeddings", "model": "text-embedding-3-small"},
            {"use": "SentenceTransformerEmbeddings", "model": "sentence-transformers/all-MiniLM-L6-v2"},
        ],
    )

    def preferred_pool(self) -> str:
        return self.embeddings.default_pool

    # ---- a model that works here
    @property
    def _local(self) -> LocalEmbeddings | None:
        return self.embeddings if isinstance(self.embeddings, LocalEmbeddings) else None

    def load(self) -> None:
        if self._local is not None:
            self._local.load()

    def unload(self) -> None:
        if self._local is not None:
            self._local.unload()

    def process(self, batch: Batch) -> Batch:
        if self._local is None:
            return super().process(batch)
        texts = texts_in(batch, "text")
        vectors = self._local.embed(texts) if texts else []
        return [{**row, "embedding": vector} for row, vector in zip(batch, vectors, strict=True)]

    # ---- a model that is asked
    def models(self) -> Mapping[str, Responder]:
        return {"": self.embeddings} if isinstance(self.embeddings, Responder) else {}

    @property
    def asks(self) -> bool:
        return self._local is None

    def first_chats(self, row: Row) -> Sequence[Chat]:
        return [[{"role": "user", "content": filled_text_in(row, "text")}]]  # servers refuse all of a request for a blank

    def format_output(self, text: str, row: Row) -> Row:
        return {"embedding": unpacked(text)}

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        embedded, _ = await self._embedded(row, ask)
        return [embedded]

    async def _embedded(self, row: Row, ask: Ask) -> tuple[Row, str]:
        """The row with its vector, and the name of the model that made it."""
        [chat] = self.first_chats(row)
        completion = await ask(Request(chat, row=row, asker=self.name or ""))
        return {**row, **self.format_output(completion.texts[0], row)}, completion.model_name
