"""The embeddings that are always there: no network, no weights."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from steps.embeddings.base import Embeddings, LocalEmbeddings, Vector
from steps.embeddings.packing import packed
from steps.llms.base import Completion, Request, Responder, Usage
from steps.llms.rehearsal_llm import about_tokens

_WORD = re.compile(r"\w+")


class RehearsalEmbeddings(LocalEmbeddings):
    """Stands in for a model: vectors of the words of a text, for free.

    Each word adds to a place of the vector that its hash names, so texts that share words are near each other. They know
    nothing of what words mean.

    After Feature Hashing for Large Scale Multitask Learning, https://arxiv.org/abs/0902.2206

    Example:
        >>> one, two, other = RehearsalEmbeddings(dimensions=64).embed(["a red fox", "the red fox", "rain tomorrow"])
        >>> similarity = lambda a, b: sum(x * y for x, y in zip(a, b))
        >>> similarity(one, two) > similarity(one, other)
        True
    """

    is_rehearsal: ClassVar[bool] = True
    is_free: ClassVar[bool] = True

    dimensions: int = Field(default=64, ge=2, le=4096, description="Numbers per vector.")

    @property
    def model_name(self) -> str:
        return "rehearsal"

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [self._vector(text) for text in texts]

    def asked(self) -> Embeddings:
        """The same vectors from a model that is asked, as one behind a server is: what it is asked can be counted."""
        return _Asked(dimensions=self.dimensions)

    def _vector(self, text: str) -> Vector:
        vector = [0.0] * self.dimensions
        for word in _WORD.findall(text.lower()) or [text]:
            hashed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())
            vector[hashed % self.dimensions] += 1.0 if hashed >> 63 else -1.0
        length = math.sqrt(sum(x * x for x in vector))
        if not length:  # its words cancelled out
            vector[0] = length = 1.0
        return [x / length for x in vector]


class _Asked(Responder, Embeddings):
    """A rehearsal that answers requests."""

    is_rehearsal: ClassVar[bool] = True
    is_free: ClassVar[bool] = True

    dimensions: int

    @property
    def model_name(self) -> str:
        return "rehearsal"

    async def complete(self, request: Request) -> Completion:
        texts = [str(message["content"]) for message in request.chat]
        vectors = RehearsalEmbeddings(dimensions=self.dimensions).embed(texts)
        return Completion(list(map(packed, vectors)), self.model_name, Usage(sum(map(about_tokens, texts))))
