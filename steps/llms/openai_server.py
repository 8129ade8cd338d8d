"""Servers that speak OpenAI's protocol: where they are, and with what key. What they are asked for is a class of its own.

In what providers differ is data, a row of `steps.providers`. A server of theirs has a class here only where it has parameters
of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Self, TypeVar

from pydantic import Field, PrivateAttr, create_model, model_validator

from steps import cassettes
from steps.errors import AuthFailed, Complaint, ModelNotFound, RunError, ServerFailed, Unreachable
from steps.llms.addresses import with_path
from steps.llms.base import Responder
from steps.llms.provider_fields import address_field, key_field, model_field
from steps.llms.server_model import Key, ServerModel
from steps.providers import BY_CLASS, BY_NAME, Provider, provider_at
from steps.secrets import TRANSPORT, Secret

OPENAI = BY_NAME["openai"]
KEY_VARIABLE = OPENAI.key_variables[0]
URL_VARIABLE = OPENAI.address_variable
OPENAI_URL = OPENAI.address + OPENAI.path

_AZURE = BY_CLASS["AzureOpenAILLM"]
_COHERE = BY_CLASS["CohereLLM"]
_HUGGING_FACE = BY_CLASS["InferenceEndpointsLLM"]
_OLLAMA = BY_CLASS["OllamaLLM"]
_THEIRS = {"max_concurrent_requests": "max_concurrency"}


class OpenAIServer(ServerModel):
    """Any server of the protocol, by its address."""

    base_url: str | None = Field(
        default=None, description=f"Address of the API, up to /v1. Empty for ${URL_VARIABLE}, or else api.openai.com."
    )
    api_key: Secret | list[Secret] | None = Field(
        default=None,
        description="${NAME} of the variable that holds the key, or a list of them: each key has limits of its own, and all "
        f"are used. Empty for ${KEY_VARIABLE}; a server on this machine needs none.",
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    )

    @property
    def provider(self) -> Provider:
        """Whose protocol the requests follow: that of the class, or else of whoever the address belongs to."""
        return self.served_by or provider_at(self.endpoint)

    @property
    def endpoint(self) -> str:
        if self.served_by is not None:
            return super().endpoint
        return (self.base_url or os.environ.get(URL_VARIABLE) or OPENAI_URL).rstrip("/")

    @property
    def _key_variables(self) -> Sequence[str]:
        return self.served_by.key_variables if self.served_by is not None else (KEY_VARIABLE,)

    @property
    def server_model(self) -> str:
        """What the server calls the model."""
        prefix = self.provider.model_prefix
        return self.model if "/" in self.model else prefix + self.model


class ProviderServer(OpenAIServer):
    """The server of one provider, whose row is `served_by`."""

    @model_validator(mode="before")
    @classmethod
    def _take_their_names(cls, data: Any) -> Any:
        theirs = {**_THEIRS, **(cls.served_by.theirs if cls.served_by is not None else {})}
        if not isinstance(data, dict) or not theirs.keys() & data.keys():
            return data
        named = {new: data[name] for name, new in theirs.items() if new and data.get(name) is not None}
        return {**named, **{name: value for name, value in data.items() if name not in theirs}}

    def _as(self, general: type[Responder]) -> dict[str, Any]:
        """The parameters of the class that asks any such server, for the same answers."""
        same = {name: getattr(self, name) for name in general.model_fields}
        provider = self.provider
        address = self._filled(with_path(self._given_address or provider.address, provider.path))
        return {**same, "base_url": address, "model": self._model_id}

    @property
    def _model_id(self) -> str:
        return self.model


S = TypeVar("S", bound=ProviderServer)


def class_of_row(base: type[S], name: str, provider: Provider, about: str, *, vectors: bool = False) -> type[S]:
    """The class of a row that needs no parameters of its own. `vectors`: it turns texts into them."""
    example = provider.embeds.example if vectors and provider.embeds is not None else provider.example
    documented = f"""{about}

    Example:
        >>> {name}(model="{example}").endpoint
        '{provider.address + provider.path}'
    """
    fields: dict[str, Any] = {
        "model": (str, model_field(provider, vectors=vectors)),
        "base_url": (str | None, address_field(provider)),
        "api_key": (Secret | list[Secret] | None, key_field(provider)),
    }
    made = create_model(name, __base__=base, __module__=base.__module__, __doc__=documented, **fields)
    made.served_by = provider
    return made


class AzureServer(ProviderServer):
    """A resource of Azure OpenAI."""

    served_by = _AZURE

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


class CohereServer(ProviderServer):
    """Cohere, by OpenAI's protocol."""

    served_by = _COHERE

    base_url: str | None = address_field(_COHERE)
    api_key: Secret | list[Secret] | None = key_field(_COHERE)
    client_name: str = Field(
        default="distilflow", description="What Cohere's logs call this client.", json_schema_extra=TRANSPORT
    )

    def _key_headers(self, key: Key) -> dict[str, str]:
        return {**super()._key_headers(key), "X-Client-Name": self.client_name}


class OllamaServer(ProviderServer):
    """Ollama, on this machine or another."""

    served_by = _OLLAMA

    host: str | None = Field(
        default=None,
        description="Where Ollama listens. Empty for $OLLAMA_HOST, or else this machine.",
        examples=["http://box:11434"],
    )
    base_url: str | None = Field(default=None, description="The same as host, with /v1.")
    api_key: Secret | list[Secret] | None = key_field(_OLLAMA)


class HuggingFaceServer(ProviderServer):
    """Hugging Face: Inference Providers, an Inference Endpoint, or any server of its kind."""

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

    def problems(self) -> Sequence[Complaint]:
        return [*super().problems(), *self._passes_a_cassette()]

    def _passes_a_cassette(self) -> Sequence[tuple[str, str]]:
        if self.endpoint_name is None:
            return ()
        return cassettes.passed_by("an `endpoint_name`, which is looked up at the Hub,", "name its address in base_url instead")

    async def load(self) -> None:
        for problem in self._passes_a_cassette():
            raise RunError(*problem)
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
        return found.url.rstrip("/") + self._path_of_endpoints

    @property
    def _path_of_endpoints(self) -> str:
        return "/v1"
