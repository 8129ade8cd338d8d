"""Models that turn texts into vectors. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.embeddings.llama_cpp_embeddings import LlamaCppEmbeddings
    from steps.embeddings.open_ai_embeddings import OpenAIEmbeddings
    from steps.embeddings.provider_embeddings import (
        AnyscaleEmbeddings,
        AzureOpenAIEmbeddings,
        ClientvLLMEmbeddings,
        CohereEmbeddings,
        FireworksEmbeddings,
        GeminiEmbeddings,
        InferenceEndpointsEmbeddings,
        LlamaCppServerEmbeddings,
        MistralEmbeddings,
        OllamaEmbeddings,
        OpenRouterEmbeddings,
        TogetherEmbeddings,
    )
    from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
    from steps.embeddings.sentence_transformer_embeddings import SentenceTransformerEmbeddings
    from steps.embeddings.vllm_embeddings import vLLMEmbeddings
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "AnyscaleEmbeddings",
    "AzureOpenAIEmbeddings",
    "ClientvLLMEmbeddings",
    "CohereEmbeddings",
    "FireworksEmbeddings",
    "GeminiEmbeddings",
    "InferenceEndpointsEmbeddings",
    "LlamaCppEmbeddings",
    "LlamaCppServerEmbeddings",
    "MistralEmbeddings",
    "OllamaEmbeddings",
    "OpenAIEmbeddings",
    "OpenRouterEmbeddings",
    "RehearsalEmbeddings",
    "SentenceTransformerEmbeddings",
    "TogetherEmbeddings",
    "vLLMEmbeddings",
]
