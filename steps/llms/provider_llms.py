"""A class for each provider of `steps.providers` that speaks OpenAI's protocol, by distilabel's name where it has one.

Most are made from their row alone. Those that are written out have parameters of their own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, PrivateAttr, create_model, model_validator

from steps.errors import AuthFailed, ModelNotFound, ServerFailed, Unreachable
from steps.llms.base import LLM
from steps.llms.openai_llm import OpenAILLM
from steps.llms.provider_fields import address_field, key_field, model_field
from steps.llms.server_llm import Key, with_path
from steps.providers import BY_CLASS, PROVIDERS, Provider
from steps.secrets import TRANSPORT, Secret

_THEIRS = {"max_concurrent_requests": "max_concurrency"}


class ProviderLLM(OpenAILLM):
    """An OpenAILLM with the address, the key and the ways of one provider."""

    @model_validator(mode="before")
    @classmethod
    def _take_their_names(cls, data: Any) -> Any:
        theirs = {**_THEIRS, **(cls.served_by.theirs if cls.served_by is not None else {})}
        if not isinstance(data, dict) or not theirs.keys() & data.keys():
            return data
        named = {new: data[name] for name, new in theirs.items() if new and data.get(name) is not None}
        return {**named, **{name: value for name, value in data.items() if name not in theirs}}

    def alike(self) -> LLM:
        same = {name: getattr(self, name) for name in OpenAILLM.model_fields}
        provider = self.provider
        address = self._filled(with_path(self._given_address or provider.address, provider.path))
        return OpenAILLM.model_construct(**{**same, "base_url": address, "model": self._model_id})

    @property
    def _model_id(self) -> str:
        return self.model


_AZURE = BY_CLASS["AzureOpenAILLM"]
_COHERE = BY_CLASS["CohereLLM"]
_HUGGING_FACE = BY_CLASS["InferenceEndpointsLLM"]
_OLLAMA = BY_CLASS["OllamaLLM"]
_VERTEX = BY_CLASS["VertexAILLM"]


class AzureOpenAILLM(ProviderLLM):
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

    served_by = _AZURE

    model: str = model_field(_AZURE)
    base_url: str | None = Field(default=None, description="The same as azure_endpoint, as distilabel calls it.")
    azure_endpoint: str | None = Field(
        default=None,
        description=f"Address of the resource. Empty for ${_AZURE.address_variable}.",
        examples=["https://my-resource.openai.azure.com"],
    )
    api_version: str | None = Field(
        default=None, description="Version of the API. Empty for $OPENAI_API_VERSION.", examples=["2024-10-21"]
    )
    api_key: Secret | list[Secret] | None = key_field(_AZURE)


class CohereLLM(ProviderLLM):
    """Asks models at Cohere.

    Example:
        >>> CohereLLM(model="command-r-plus").endpoint
        'https://api.cohere.ai/compatibility/v1'
    """

    served_by = _COHERE

    model: str = model_field(_COHERE)
    base_url: str | None = address_field(_COHERE)
    api_key: Secret | list[Secret] | None = key_field(_COHERE)
    client_name: str = Field(
        default="distilflow", description="What Cohere's logs call this client.", json_schema_extra=TRANSPORT
    )

    def _key_headers(self, key: Key) -> dict[str, str]:
        return {**super()._key_headers(key), "X-Client-Name": self.client_name}


class OllamaLLM(ProviderLLM):
    """Asks a model that Ollama serves, on this machine or another.

    Example:
        >>> OllamaLLM(model="llama3.2", host="http://box:11434").endpoint
        'http://box:11434/v1'
    """

    served_by = _OLLAMA

    model: str = model_field(_OLLAMA)
    host: str | None = Field(
        default=None,
        description="Where Ollama listens. Empty for $OLLAMA_HOST, or else this machine.",
        examples=["http://box:11434"],
    )
    base_url: str | None = Field(default=None, description="The same as host, with /v1.")
    api_key: Secret | list[Secret] | None = key_field(_OLLAMA)


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


class InferenceEndpointsLLM(ProviderLLM):
    """Asks a model at Hugging Face: Inference Providers, or an Inference Endpoint.

    `model_id` is asked through Inference Providers; `endpoint_name` is an Inference Endpoint of your own, whose address is
    looked up at the Hub; `base_url` is any server of Text Generation Inference.

    Example:
        >>> InferenceEndpointsLLM(model_id="meta-llama/Llama-3.3-70B-Instruct").endpoint
        'https://router.huggingface.co/v1'
    """

    served_by = _HUGGING_FACE

    model: str = Field(default="", description="The same as model_id.")
    model_id: str | None = Field(
        default=None, description=f"Model to ask: {_HUGGING_FACE.models}.", examples=[_HUGGING_FACE.example]
    )
    endpoint_name: str | None = Field(default=None, description="Name of an Inference Endpoint, instead of model_id.")
    endpoint_namespace: str | None = Field(default=None, description="Who owns the endpoint. Empty for the owner of the key.")
    base_url: str | None = Field(default=None, description="Address of an endpoint, or of any server of its kind.")
    api_key: Secret | list[Secret] | None = key_field(_HUGGING_FACE)
    model_display_name: str | None = Field(
        default=None, description="What the column `model_name` says.", json_schema_extra=TRANSPORT
    )

    _address: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _name_one(self) -> Self:
        if not (self.model or self.model_id or self.endpoint_name or self.base_url):
            raise ValueError("say which model to ask: model_id, endpoint_name or base_url")
        if self.endpoint_name and (self.model_id or self.base_url):
            raise ValueError("endpoint_name names a model and an address; leave model_id and base_url out")
        return self

    @property
    def model_name(self) -> str:
        return self.model_display_name or self._model_id

    @property
    def _model_id(self) -> str:
        return self.model_id or self.model or self.endpoint_name or "tgi"

    @property
    def server_model(self) -> str:
        return self.model_id or self.model or "tgi"  # which servers of TGI take for their own

    @property
    def endpoint(self) -> str:
        if self.endpoint_name is None:
            return super().endpoint
        owner = self.endpoint_namespace or "me"
        return f"https://api.endpoints.huggingface.cloud/v2/endpoint/{owner}/{self.endpoint_name}"

    @property
    def address(self) -> str:
        return self._address or super().address

    async def load(self) -> None:
        if self.endpoint_name is not None and not self._address:
            self._address = await asyncio.to_thread(self._look_up, self.endpoint_name)
        await super().load()

    def _look_up(self, name: str) -> str:
        """Where an Inference Endpoint listens.

        Raises:
            LLMError: The Hub does not say.
        """
        from huggingface_hub import get_inference_endpoint
        from huggingface_hub.errors import HfHubHTTPError

        key = self._keys()[0]
        where = f"the Inference Endpoint {name!r}"
        try:
            found = get_inference_endpoint(name, namespace=self.endpoint_namespace, token=key.value)
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                raise AuthFailed(f"the Hub does not show {where}", f"set {key.source} to a token that may read it") from error
            if status == 404:
                raise ModelNotFound(f"the Hub knows no {where}", "check endpoint_name and endpoint_namespace") from error
            raise ServerFailed(f"the Hub does not say where {where} is: it said {status}", "try again later") from error
        except OSError as error:
            raise Unreachable(f"the Hub cannot be asked where {where} is: {error}", "check the network") from error
        if not found.url:
            raise ServerFailed(f"{where} is not running: it is {found.status}", "start it, and try again")
        return f"{found.url.rstrip('/')}/v1"


def _made(provider: Provider) -> type[ProviderLLM]:
    """The class of a row that needs no parameters of its own."""
    name = provider.class_name
    usual = provider.address + provider.path
    about = f"""Asks models at {provider.title}.

    Example:
        >>> {name}(model="{provider.example}").endpoint
        '{usual}'
    """
    fields: dict[str, Any] = {
        "model": (str, model_field(provider)),
        "base_url": (str | None, address_field(provider)),
        "api_key": (Secret | list[Secret] | None, key_field(provider)),
    }
    made = create_model(name, __base__=ProviderLLM, __module__=__name__, __doc__=about, **fields)
    made.served_by = provider
    return made


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
            globals()[_provider.class_name] = _made(_provider)
