"""Models, and what is behind them. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.llms.anthropic_llm import AnthropicLLM
    from steps.llms.lite_llm import LiteLLM
    from steps.llms.mixture_of_agents_llm import MixtureOfAgentsLLM
    from steps.llms.openai_llm import OpenAILLM
    from steps.llms.provider_llms import (
        XAILLM,
        AnyscaleLLM,
        AzureOpenAILLM,
        ClientvLLM,
        CohereLLM,
        DeepSeekLLM,
        FireworksLLM,
        GeminiLLM,
        GroqLLM,
        InferenceEndpointsLLM,
        LlamaCppServerLLM,
        MistralLLM,
        OllamaLLM,
        OpenRouterLLM,
        TGIServerLLM,
        TogetherLLM,
        VertexAILLM,
    )
    from steps.llms.rehearsal_llm import RehearsalLLM
    from steps.llms.replay_llm import ReplayLLM
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "XAILLM",
    "AnthropicLLM",
    "AnyscaleLLM",
    "AzureOpenAILLM",
    "ClientvLLM",
    "CohereLLM",
    "DeepSeekLLM",
    "FireworksLLM",
    "GeminiLLM",
    "GroqLLM",
    "InferenceEndpointsLLM",
    "LiteLLM",
    "LlamaCppServerLLM",
    "MistralLLM",
    "MixtureOfAgentsLLM",
    "OllamaLLM",
    "OpenAILLM",
    "OpenRouterLLM",
    "RehearsalLLM",
    "ReplayLLM",
    "TGIServerLLM",
    "TogetherLLM",
    "VertexAILLM",
]
