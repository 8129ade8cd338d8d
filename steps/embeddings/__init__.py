"""Models that turn texts into vectors. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.embeddings.llama_cpp_embeddings import LlamaCppEmbeddings
    from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
    from steps.embeddings.sentence_transformer_embeddings import SentenceTransformerEmbeddings
    from steps.embeddings.vllm_embeddings import vLLMEmbeddings
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "LlamaCppEmbeddings",
    "RehearsalEmbeddings",
    "SentenceTransformerEmbeddings",
    "vLLMEmbeddings",
]
