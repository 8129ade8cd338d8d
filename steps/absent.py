"""Classes of distilabel that are not here, and what to take instead: what is said where somebody names one.

docs/migrating.md has the same in its tables, and a test holds the two together.
"""

from __future__ import annotations

GUIDE = "docs/migrating.md"


_OWN_WEIGHTS = "`OpenAILLM` with the `base_url` of a llama.cpp, transformers, MLX or vLLM server"
_OWN_STEP = "a step of your own"
ABSENT = {
    **dict.fromkeys(("LlamaCppLLM", "TransformersLLM", "MlxLLM", "vLLM"), _OWN_WEIGHTS),
    **dict.fromkeys(("LlamaCppEmbeddings", "vLLMEmbeddings"), "`SentenceTransformerEmbeddings`"),
    "GenerateEmbeddings": "`EmbeddingGeneration`",
    **dict.fromkeys(("ImageGeneration", "OpenAIImageGeneration", "InferenceEndpointsImageGeneration"), _OWN_STEP),
}
"""What to take instead, by class."""


def instead_of(name: str) -> str | None:
    """What to take instead of a class of distilabel that is not here; None: it is none of those."""
    return ABSENT.get(name)
