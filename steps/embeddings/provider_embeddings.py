"""A class for each provider of `steps.providers` that turns texts into vectors by OpenAI's protocol.

Most are made from their row alone. Those that are written out have parameters of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from steps.embeddings.open_ai_embeddings import OpenAIEmbeddings
from steps.errors import Complaint
from steps.llms.openai_server import AzureServer, CohereServer, HuggingFaceServer, OllamaServer, ProviderServer, class_of_row
from steps.llms.provider_fields import model_field
from steps.providers import EMBEDDERS


class ProviderEmbeddings(ProviderServer, OpenAIEmbeddings):
    """OpenAIEmbeddings with the address, the key and the ways of one provider."""

    def alike(self) -> OpenAIEmbeddings:
        return OpenAIEmbeddings.model_construct(**self._as(OpenAIEmbeddings))


class AzureOpenAIEmbeddings(AzureServer, ProviderEmbeddings):
    """Asks a deployment of Azure OpenAI for vectors.

    `model` is the name of the deployment.

    Example:
        >>> embeddings = AzureOpenAIEmbeddings(
        ...     model="my-embedder", azure_endpoint="https://my-resource.openai.azure.com", api_version="2024-10-21"
        ... )
        >>> embeddings.endpoint
        'https://my-resource.openai.azure.com/openai/deployments/my-embedder?api-version=2024-10-21'
    """

    model: str = model_field(EMBEDDERS["AzureOpenAIEmbeddings"], vectors=True)


class CohereEmbeddings(CohereServer, ProviderEmbeddings):
    """Asks models at Cohere for vectors.

    Example:
        >>> CohereEmbeddings(model="embed-v4.0").rows_per_request
        64
    """

    model: str = model_field(EMBEDDERS["CohereEmbeddings"], vectors=True)


class OllamaEmbeddings(OllamaServer, ProviderEmbeddings):
    """Asks a model that Ollama serves for vectors, on this machine or another.

    Example:
        >>> OllamaEmbeddings(model="nomic-embed-text", host="http://box:11434").endpoint
        'http://box:11434/v1'
    """

    model: str = model_field(EMBEDDERS["OllamaEmbeddings"], vectors=True)


class InferenceEndpointsEmbeddings(HuggingFaceServer, ProviderEmbeddings):
    """Asks an Inference Endpoint of Hugging Face, or any server of TEI, for vectors.

    `endpoint_name` is an Inference Endpoint of your own, whose address is looked up at the Hub; `base_url` is any server of
    Text Embeddings Inference. Inference Providers have no vectors by this protocol.

    Example:
        >>> InferenceEndpointsEmbeddings(base_url="http://localhost:8080/v1").rows_per_request
        32
    """

    model_id: str | None = Field(default=None, description="What the server calls the model; those of TEI take any name.")

    endpoint_name: str | None = Field(
        default=None, description="Name of an Inference Endpoint of your own.", examples=["my-embedder"]
    )

    def problems(self) -> Sequence[Complaint]:
        if not (self.endpoint_name or self.base_url):
            what = "Inference Providers have no /embeddings: only endpoints do"
            return [(what, "name an Inference Endpoint in endpoint_name, or the address of a server of TEI in base_url")]
        return super().problems()


if TYPE_CHECKING:  # what type checkers see of the classes that are made; a test holds both together

    class AnyscaleEmbeddings(ProviderEmbeddings): ...

    class ClientvLLMEmbeddings(ProviderEmbeddings): ...

    class FireworksEmbeddings(ProviderEmbeddings): ...

    class GeminiEmbeddings(ProviderEmbeddings): ...

    class LlamaCppServerEmbeddings(ProviderEmbeddings): ...

    class MistralEmbeddings(ProviderEmbeddings): ...

    class OpenRouterEmbeddings(ProviderEmbeddings): ...

    class TogetherEmbeddings(ProviderEmbeddings): ...

else:
    for _name, _provider in EMBEDDERS.items():
        if _name not in globals():
            globals()[_name] = class_of_row(
                ProviderEmbeddings, _name, _provider, f"Asks models at {_provider.title} for vectors.", vectors=True
            )
