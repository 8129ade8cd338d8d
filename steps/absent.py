"""Classes of distilabel that are not here, and what to take instead: what is said where somebody names one.

docs/migrating.md has the same in its tables, and a test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

GUIDE = "docs/migrating.md"


class Address(NamedTuple):
    """Where a server listens that speaks OpenAI's protocol, and the variable with the key for it, if it takes one."""

    url: str
    key: str = ""


ADDRESSES = {
    "ollama": Address("http://localhost:11434/v1"),
    "vllm": Address("http://localhost:8000/v1"),
    "llama.cpp": Address("http://localhost:8080/v1"),
    "anyscale": Address("https://api.endpoints.anyscale.com/v1", "ANYSCALE_API_KEY"),
    "groq": Address("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "huggingface": Address("https://router.huggingface.co/v1", "HF_TOKEN"),
    "mistral": Address("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "together": Address("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
}
"""By provider, as the command line calls it."""
PROVIDERS = {
    "AnyscaleLLM": "anyscale",
    "ClientvLLM": "vllm",
    "GroqLLM": "groq",
    "InferenceEndpointsLLM": "huggingface",
    "MistralLLM": "mistral",
    "OllamaLLM": "ollama",
    "TogetherLLM": "together",
}
"""Whom the classes of distilabel ask that are an OpenAILLM with an address here."""

_OWN_PROTOCOL = "`OpenAILLM` with the `base_url` of their endpoint for OpenAI's protocol"
_OWN_STEP = "a step of your own"
ABSENT = {
    **dict.fromkeys(("AnthropicLLM", "AzureOpenAILLM", "CohereLLM", "LiteLLM", "VertexAILLM"), _OWN_PROTOCOL),
    "MixtureOfAgentsLLM": (
        "a `TextGeneration` per model, `GroupColumns`, and a `TextGeneration` whose template shows their answers"
    ),
    "GenerateEmbeddings": "`EmbeddingGeneration`",
    **dict.fromkeys(("ImageGeneration", "OpenAIImageGeneration", "InferenceEndpointsImageGeneration"), _OWN_STEP),
}
"""What to take instead of the others, by class."""


def instead_of(name: str) -> str | None:
    """What to take instead of a class of distilabel that is not here; None: it is none of those."""
    if provider := PROVIDERS.get(name):
        url, key = ADDRESSES[provider]
        return f"`OpenAILLM` with `base_url: {url}`" + (f" and `api_key: ${{{key}}}`" if key else "")
    return ABSENT.get(name)
