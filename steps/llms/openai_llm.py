"""Models behind any server that speaks the OpenAI chat protocol: OpenAI, vLLM, Ollama, TGI, llama.cpp and many more.

The openai package is not used: its client costs five times the CPU per request and 0.7 s to import.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit, urlunsplit

import orjson
from pydantic import BaseModel, Field, PrivateAttr, SecretStr, field_serializer, field_validator, model_validator

from steps.errors import AuthFailed, BadRequest, Complaint, ModelNotFound, SchemaRefused, SpecError
from steps.llms.base import LLM, Account, Completion, Request
from steps.llms.chat_replies import read_completion
from steps.llms.chat_requests import (
    RESERVED,
    StructuredOutput,
    structure_problems,
    wire_sampling,
    wire_structure,
)
from steps.llms.http import JSONEndpoint, environment_problems, is_loopback, url_problem
from steps.llms.json_schemas import json_schema_format
from steps.llms.prices import FREE, Price, find_price
from steps.llms.provider_errors import Target
from steps.llms.user_turns import ChatFormat, cannot_hold_chats, chat_format, raw_prompt, wire_completion
from steps.secrets import LATER, TRANSPORT, Secret, may_name_key, referred, reveal, variable_of

log = logging.getLogger(__name__)

OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"

_KEY_HEADERS = ("authorization", "api-key", "x-api-key")


@dataclass(frozen=True, slots=True)
class _Key:
    """A key and where it comes from."""

    source: str
    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Wire:
    """What `load` makes: the connections, what all requests have in common, and for each key whom messages name."""

    endpoint: JSONEndpoint
    body: dict[str, Any]
    targets: list[Target]
    headers: list[dict[str, str]]
    """What only requests with that key have."""
    completions: JSONEndpoint | None = None
    """Where requests for a user's turn go, which are no chats."""
    completion_body: dict[str, Any] = field(default_factory=dict)


class OpenAILLM(LLM):
    """Asks a server that speaks OpenAI's protocol: OpenAI, vLLM, Ollama, TGI, ...

    `generation_kwargs` go by distilabel's names; names that are not known here are passed on to the server, and so is
    what `extra_body` holds. Where a server gives fewer replies than asked for (Ollama knows no `n`), tasks ask again.

    Example:
        >>> from steps.tasks import TextGeneration
        >>> llm = OpenAILLM(model="llama3.2", base_url="http://localhost:11434/v1", generation_kwargs={"temperature": 0.7})
        >>> TextGeneration(llm=llm).llm.model_name
        'llama3.2'
    """

    reaches: ClassVar[str] = "a model server"

    model: str = Field(min_length=1, description="Model id as the server knows it.", examples=["gpt-4o-mini"])
    base_url: str | None = Field(
        default=None, description=f"Address of the API, up to /v1. Empty for ${URL_VARIABLE}, or else api.openai.com."
    )
    api_key: Secret | list[Secret] | None = Field(
        default=None,
        description="${NAME} of the variable that holds the key, or a list of them: each key has limits of its own, and all "
        f"are used. Empty for ${KEY_VARIABLE}; a server on this machine needs none.",
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    )
    default_headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Headers sent with every request; a value may be ${NAME}.",
        json_schema_extra=TRANSPORT,
    )
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for a reply.", json_schema_extra=TRANSPORT)
    structured_output: StructuredOutput | None = Field(
        default=None, description="JSON schema or regex that the server holds every reply to, where it can."
    )

    use_magpie_template: bool = Field(
        default=False,
        description="As pipelines of distilabel have it: needs a magpie_pre_query_template, which is enough by itself.",
        json_schema_extra=LATER,
    )
    magpie_pre_query_template: str | None = Field(
        default=None,
        min_length=1,
        description="For Magpie: llama3, qwen2, or the text that opens a user's message in the model's chat format (no BOS "
        "token: servers add it). The server must offer /v1/completions.",
        json_schema_extra={"examples": ["llama3", "qwen2"], **LATER},
    )
    magpie_end_of_turn: str | None = Field(
        default=None,
        min_length=1,
        description="Text that ends a message in a chat format of your own; known for llama3 and qwen2.",
        json_schema_extra=LATER,
    )

    _wire: _Wire | None = PrivateAttr(default=None)
    _refuses_schemas: bool = PrivateAttr(default=False)

    @field_validator("structured_output", mode="before")
    @classmethod
    def _take_models(cls, value: Any) -> Any:
        schema = value.get("schema") if isinstance(value, dict) else None
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return {**value, "schema": schema.model_json_schema()}
        return value

    @field_validator("api_key", mode="before")
    @classmethod
    def _refuse_no_keys(cls, value: Any) -> Any:
        if value == []:
            raise ValueError("it is an empty list; name the variable of at least one key")
        return value

    @field_validator("base_url")
    @classmethod
    def _refuse_passwords(cls, value: str | None) -> str | None:
        if value and "@" in urlsplit(value).netloc:
            raise ValueError(url_problem(value))
        return value

    @model_validator(mode="after")
    def _know_how_users_speak(self) -> Self:
        if self.use_magpie_template and self.magpie_pre_query_template is None:
            raise ValueError("use_magpie_template needs a magpie_pre_query_template: llama3, qwen2, or a text of your own")
        return self

    @field_serializer("default_headers")
    def _leave_keys_out(self, headers: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if referred(value) or not may_name_key(name)}

    # ---- where and with what
    @property
    def endpoint(self) -> str:
        """Base URL: steps with the same one share its limits."""
        return (self.base_url or os.environ.get(URL_VARIABLE) or OPENAI_URL).rstrip("/")

    def problems(self) -> Sequence[Complaint]:
        if misspelt := url_problem(self.endpoint):
            return [misspelt]
        found: list[Complaint] = [*environment_problems(self.endpoint)]
        try:
            self.find_price()
        except SpecError as error:
            found.append((error.message, error.fix))
        if problem := self._key_problem():
            found.append(problem)
        found += [
            f"header {name!r} needs the variable in {value.strip()}, which is not set"
            for name, value in self.default_headers.items()
            if reveal(SecretStr(value), "") is None
        ]
        found += [
            f"generation_kwargs cannot set {name!r}; use {instead}"
            for name, instead in RESERVED.items()
            if name in self.generation_kwargs
        ]
        return found + structure_problems(self.structured_output, for_openai=self._is_openai)

    def user_turn_problem(self, *, after_messages: bool) -> tuple[str, str] | None:
        wanted = self._chat_format
        if wanted is None:
            what = f"nothing says how a user's message begins in the chat format of {self.model!r}"
            return what, "set magpie_pre_query_template of the LLM to llama3, qwen2, or a text of your own"
        if self._is_openai:
            return "api.openai.com takes chats only, no prompt in the model's own format", "name another server in base_url"
        if after_messages and (why := cannot_hold_chats(wanted)):
            return why, "set magpie_end_of_turn of the LLM, or ask for one turn without a system prompt"
        return None

    @property
    def _chat_format(self) -> ChatFormat | None:
        given = self.magpie_pre_query_template
        return None if given is None else chat_format(given, self.magpie_end_of_turn)

    def find_price(self) -> Price | None:
        """`price`; of a server on this machine nothing; else what the tables of prices say."""
        if self.price is None and not is_loopback(self.endpoint):
            return find_price(self.model, self._host)
        return self.price or FREE

    @property
    def _host(self) -> str:
        return _host_of(self.endpoint)

    @property
    def _is_openai(self) -> bool:
        return self._host == "api.openai.com"

    @property
    def _is_fine_tuned(self) -> bool:
        return self.model.startswith("ft:")

    @property
    def enforces_schemas(self) -> bool:
        """api.openai.com is known to do so. What was chosen for all replies stands."""
        given = self.generation_kwargs
        is_chosen = "response_format" in given or "response_format" in (given.get("extra_body") or {})
        return self._is_openai and self.structured_output is None and not is_chosen

    @property
    def accounts(self) -> Sequence[Account]:
        """One for each key."""
        return [Account(key.source, hashlib.sha256((key.value or "").encode()).hexdigest()) for key in self._keys()]

    @property
    def _has_key_header(self) -> bool:
        return self.api_key is None and any(name.lower() in _KEY_HEADERS for name in self.default_headers)

    def _keys(self) -> list[_Key]:
        """At least one, which may be None."""
        if self._has_key_header:
            return [_Key("default_headers", None)]
        if not isinstance(self.api_key, list):
            source = f"${KEY_VARIABLE}" if self.api_key is None else _source_of(self.api_key, "api_key")
            return [_Key(source, _stripped(reveal(self.api_key, KEY_VARIABLE)))]
        return [
            _Key(_source_of(secret, f"api_key[{at}]"), _stripped(reveal(secret, ""))) for at, secret in enumerate(self.api_key)
        ]

    def _key_problem(self) -> tuple[str, str] | None:
        keys = self._keys()
        if len({key.value for key in keys}) < len(keys) and all(key.value for key in keys):
            same = " and ".join(key.source for key in keys)
            return f"of the keys in {same}, some are the same", "name each key once: its limits count once"
        return next((problem for key in keys if (problem := self._problem_of(key))), None)

    def _problem_of(self, key: _Key) -> tuple[str, str] | None:
        if key.value is None:
            if self._has_key_header or (self.api_key is None and is_loopback(self.endpoint)):
                return None
            what = f"there is no key for {self.endpoint}: {key.source} is not set"
            if (name := key.source.removeprefix("$")) == key.source:  # an empty `api_key`
                return what, f"leave it out and set ${KEY_VARIABLE}, or write ${{NAME}} of the variable that holds the key"
            return what, f"set it: export {name}=..."
        if not key.value.isascii() or not key.value.isprintable() or " " in key.value:
            what = f"the key in {key.source} holds a space, a line break or a letter that no key has"
            return what, "copy it anew"
        return None

    # ---- life
    async def load(self) -> None:
        """Open connections. An LLM that several steps share is loaded by each of them."""
        if self._wire is None or not self._wire.endpoint.is_open:
            self._wire = self._prepare()
        await self._wire.endpoint.open()
        if self._wire.completions is not None:
            await self._wire.completions.open()

    async def unload(self) -> None:
        """Close the connections, once every step that loaded them is done."""
        if (wire := self._wire) is not None:
            await wire.endpoint.close()
            if wire.completions is not None:
                await wire.completions.close()
            if not wire.endpoint.is_open and self._wire is wire:
                self._wire = None

    def _prepare(self) -> _Wire:
        if misspelt := url_problem(self.endpoint):
            raise ModelNotFound(misspelt, "correct base_url")
        if problem := self._key_problem():
            raise AuthFailed(*problem)
        headers = {name: (reveal(SecretStr(value), "") or "").strip() for name, value in self.default_headers.items()}
        keys = self._keys()
        secrets = [key.value for key in keys if key.value]
        secrets += [value for name, value in headers.items() if value and may_name_key(name)]
        wanted = self._chat_format
        return _Wire(
            JSONEndpoint(_url_of(self.endpoint, "chat/completions"), headers, self.timeout),
            self._common_body(),
            [Target(self.model, self.endpoint, key.source, tuple(secrets)) for key in keys],
            [{"Authorization": f"Bearer {key.value}"} if key.value else {} for key in keys],
            JSONEndpoint(_url_of(self.endpoint, "completions"), headers, self.timeout) if wanted else None,
            {"model": self.model, **wire_completion(self.generation_kwargs, wanted)} if wanted else {},
        )

    def _common_body(self) -> dict[str, Any]:
        sampling = wire_sampling(self.generation_kwargs, for_openai=self._is_openai)
        is_openai, is_fine_tuned = self._is_openai, self._is_fine_tuned
        structure = wire_structure(self.structured_output, for_openai=is_openai, is_fine_tuned=is_fine_tuned)
        return {"model": self.model, **sampling, **structure, **self.generation_kwargs.get("extra_body", {})}

    # ---- requests
    async def complete(self, request: Request) -> Completion:
        """Answer one request. A schema of the request takes the place of `structured_output`.

        A server that refuses the schema is asked without: the prompt describes the reply too, and the task checks it.
        """
        if (wire := self._wire) is None:
            raise RuntimeError("load() must be awaited before complete()")
        if request.speaker == "user":
            return await self._write_user_turn(wire, request)
        body = _sampled({**wire.body, "messages": request.chat}, request)
        if request.schema is None or self._refuses_schemas:
            return await self._send(wire, body, request)
        kind = {"for_openai": self._is_openai, "is_fine_tuned": self._is_fine_tuned}
        try:
            return await self._send(wire, {**body, "response_format": json_schema_format(request.schema, **kind)}, request)
        except SchemaRefused as refusal:
            completion = await self._send(wire, body, request)  # if this fails too, it was not for the schema
            if not self._refuses_schemas:
                self._refuses_schemas = True
                log.warning("%s (it is asked without from now on; replies are checked all the same)", refusal.message)
            return completion

    async def _write_user_turn(self, wire: _Wire, request: Request) -> Completion:
        wanted = self._chat_format
        if problem := self.user_turn_problem(after_messages=bool(request.chat)):
            raise BadRequest(*problem)
        assert wanted is not None
        body = {**wire.completion_body, "prompt": raw_prompt(request.chat, wanted)}
        return await self._send(wire, _sampled(body, request), request)

    async def _send(self, wire: _Wire, body: dict[str, Any], request: Request) -> Completion:
        try:
            content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
        except TypeError as error:
            raise BadRequest(f"this chat cannot be written as JSON: {error}", "mend the row's text") from error
        endpoint, target = wire.endpoint, wire.targets[request.account]
        if request.speaker == "user" and wire.completions is not None:
            endpoint, target = wire.completions, replace(target, path="/completions")
        answer = await endpoint.post(content, wire.headers[request.account])
        return read_completion(answer, target, request.n)


def _source_of(secret: SecretStr, otherwise: str) -> str:
    variable = variable_of(secret)
    return f"${variable}" if variable else otherwise


def _stripped(key: str | None) -> str | None:
    return (key or "").strip() or None


def _sampled(body: dict[str, Any], request: Request) -> dict[str, Any]:
    """The body with what tells one reply from the others."""
    if request.n > 1:
        body["n"] = request.n
    if request.have and isinstance(body.get("seed"), int):  # the same seed would give the same reply
        body["seed"] += request.have
    return body


def _url_of(base_url: str, path: str) -> str:
    """The path goes before a query: Azure's addresses end in `?api-version=...`."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}"))


@lru_cache(maxsize=64)
def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""
