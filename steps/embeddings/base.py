"""What an embeddings model is to a step: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import SerializeAsAny

from steps.models import Model
from steps.registry import Kind

Vector = list[float]


def readable(text: str) -> str:
    """The text as models can read it: half a character stops tokenizers and is no JSON, and many refuse no text at all."""
    return text.encode(errors="replace").decode() or " "


class Embeddings(Model):
    """A model that turns texts into vectors, near each other where the texts mean alike.

    One that this machine computes is a `LocalEmbeddings`; one behind a server is asked like any model (`Responder`).
    """

    kind: ClassVar[Kind] = "embeddings"
    example: ClassVar[str] = "OpenAIEmbeddings"
    rehearsal: ClassVar[str] = "RehearsalEmbeddings"


class LocalEmbeddings(Embeddings):
    """One that works in the process of the step."""

    def load(self) -> None:
        """Get ready to work; runs once per worker."""

    def unload(self) -> None:
        """Let go of what `load` took."""

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in their order; all have the same length. A text's vector does not depend on the others.

        Raises:
            RunError: The model cannot work.
        """
        raise NotImplementedError(f"{type(self).__name__}.embed")


AnyEmbeddings = SerializeAsAny[Embeddings]
