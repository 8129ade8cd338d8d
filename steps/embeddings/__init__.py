"""Models that turn texts into vectors. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
    from steps.embeddings.sentence_transformer_embeddings import SentenceTransformerEmbeddings
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "RehearsalEmbeddings",
    "SentenceTransformerEmbeddings",
]
