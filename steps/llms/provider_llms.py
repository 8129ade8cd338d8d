"""A class for each provider of `steps.providers` that speaks OpenAI's protocol, by distilabel's name where it has one.

Most are made from their row alone. Those that are written out have parameters of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from steps.llms.base import LLM
from steps.llms.openai_llm import OpenAILLM
from steps.llms.openai_server import AzureServer, CohereServer, HuggingFaceServer, OllamaServer, ProviderServer, class_of_row
from steps.llms.provider_fields import address_field, key_field, model_field
from steps.providers import BY_CLASS, PROVIDERS
from steps.secrets import Secret


class ProviderLLM(ProviderServer, OpenAILLM):
    """An OpenAILLM with the address, the key and the ways of one provider."""

    def alike(self) -> LLM:
        return OpenAILLM.model_construct(**self._as(OpenAILLM))


_VERTEX = BY_CLASS["VertexAILLM"]


class AzureOpenAILLM(AzureServer, ProviderLLM):
    """Asks a deployment of Azure OpenAI.

    `model` is the name of the deployment. An `azure_endpoint` that has a path of its own is taken as it is, such as
    `https://my-resource.openai.azure.com/openai/v1`; `model` is sent along then.

    Example:
        >>> llm = AzureOpenAILLM(
        ...     model="my-gpt-4o", azure_endpoint="https://my-resource.openai.azure.com", api_version="2024-10-21"
        ... )
        >>> llm.endpoint
        'https://my-resource.openai.azure.com/openai/deployments/my-gpt-4o?api-version=2024-10-21'
    """

    model: str = model_field(BY_CLASS["AzureOpenAILLM"])


class CohereLLM(CohereServer, ProviderLLM):
    """Asks models at Cohere.

    Example:
        >>> CohereLLM(model="command-r-plus").endpoint
        'https://api.cohere.ai/compatibility/v1'
    """

    model: str = model_field(BY_CLASS["CohereLLM"])


class OllamaLLM(OllamaServer, ProviderLLM):
    """Asks a model that Ollama serves, on this machine or another.

    Example:
        >>> OllamaLLM(model="llama3.2", host="http://box:11434").endpoint
        'http://box:11434/v1'
    """

    model: str = model_field(BY_CLASS["OllamaLLM"])


class VertexAILLM(ProviderLLM):
    """Asks Gemini and other models of Vertex AI, in a project of Google Cloud.

    Example:
        >>> VertexAILLM(model="gemini-2.5-flash", project="my-project", location="europe-west4").endpoint
        'https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4/endpoints/openapi'
    """

    served_by = _VERTEX

    model: str = model_field(_VERTEX)
    project: str | None = Field(default=None, description="Project of Google Cloud. Empty for $GOOGLE_CLOUD_PROJECT.")
    location: str | None = Field(
        default=None, description="Region that answers. Empty for $GOOGLE_CLOUD_LOCATION, or else global."
    )
    base_url: str | None = address_field(_VERTEX)
    api_key: Secret | list[Secret] | None = key_field(_VERTEX)

    def _fill(self, name: str) -> str:
        return super()._fill(name) or ("global" if name == "location" else "")

    def _filled(self, url: str) -> str:
        region = "" if (location := self._fill("location")) == "global" else f"{location}-"
        return super()._filled(url.replace("{region}", region))


class InferenceEndpointsLLM(HuggingFaceServer, ProviderLLM):
    """Asks a model at Hugging Face: Inference Providers, or an Inference Endpoint.

    `model_id` is asked through Inference Providers; `endpoint_name` is an Inference Endpoint of your own, whose address is
    looked up at the Hub; `base_url` is any server of Text Generation Inference.

    Example:
        >>> InferenceEndpointsLLM(model_id="meta-llama/Llama-3.3-70B-Instruct").endpoint
        'https://router.huggingface.co/v1'
    """


if TYPE_CHECKING:  # what type checkers see of the classes that are made; a test holds both together

    class AnyscaleLLM(ProviderLLM): ...

    class ClientvLLM(ProviderLLM): ...

    class DeepSeekLLM(ProviderLLM): ...

    class FireworksLLM(ProviderLLM): ...

    class GeminiLLM(ProviderLLM): ...

    class GroqLLM(ProviderLLM): ...

    class LlamaCppServerLLM(ProviderLLM): ...

    class MistralLLM(ProviderLLM): ...

    class OpenRouterLLM(ProviderLLM): ...

    class TGIServerLLM(ProviderLLM): ...

    class TogetherLLM(ProviderLLM): ...

    class XAILLM(ProviderLLM): ...

else:
    for _provider in PROVIDERS:
        if _provider.protocol == "openai" and _provider.class_name not in ("OpenAILLM", *globals()):
            globals()[_provider.class_name] = class_of_row(
                ProviderLLM, _provider.class_name, _provider, f"Asks models at {_provider.title}."
            )
