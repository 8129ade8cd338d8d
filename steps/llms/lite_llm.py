"""The door to providers that have no row of their own: the litellm package."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from pydantic import Field, PrivateAttr, SecretStr

from steps import cassettes
from steps.errors import AuthFailed, BadRequest, Complaint, LLMError, NetworkFailed, RunError
from steps.extras import extra, without_extra
from steps.llms.base import LLM, Completion, Request
from steps.llms.chat_replies import read_completion
from steps.llms.chat_requests import RESERVED, StructuredOutput, structure_problems, wire_sampling, wire_structure
from steps.llms.http import Answer
from steps.llms.json_schemas import schema_format
from steps.llms.provider_errors import Target, classify
from steps.providers import COMPATIBLE
from steps.secrets import TRANSPORT, Secret, reveal, secrets_here, variable_of

_CODES = {"ContextWindowExceededError": "context_length_exceeded", "ContentPolicyViolationError": "content_policy_violation"}
"""What some of its errors are by OpenAI's names."""
_NO_ANSWER = ("APIConnectionError", "Timeout")


class LiteLLM(LLM):
    """Asks any provider that litellm knows, such as Bedrock, SageMaker or watsonx.

    `model` is the provider and the model, as litellm names them; keys stand in the variables that it looks for. Take the class
    of a provider where there is one: a request through litellm costs many times the CPU. Its retries, its caches and its
    messages to others are off; the engine repeats, keeps and counts.

    Example:
        >>> LiteLLM(model="bedrock/anthropic.claude-3-haiku-20240307-v1:0").endpoint
        'litellm/bedrock'
    """

    reaches: ClassVar[str] = "a model server"

    model: str = Field(
        min_length=1,
        description="Provider and model, as litellm names them.",
        examples=["bedrock/anthropic.claude-3-haiku-20240307-v1:0"],
    )
    api_key: Secret | None = Field(
        default=None,
        description="${NAME} of the variable that holds the key. Empty for the one that litellm looks for.",
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    )
    base_url: str | None = Field(default=None, description="Address of the API. Empty for the one that litellm knows.")
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for a reply.", json_schema_extra=TRANSPORT)
    verbose: bool = Field(default=False, description="Have litellm write what it does to the log.", json_schema_extra=TRANSPORT)
    structured_output: StructuredOutput | None = Field(
        default=None, description="JSON schema that the provider holds every reply to, where it can."
    )

    _litellm: Any = PrivateAttr(default=None)
    _body: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The provider: litellm finds the address."""
        return self.base_url or f"litellm/{self.model.partition('/')[0]}"

    def problems(self) -> Sequence[Complaint]:
        found: list[Complaint] = [*without_extra("litellm", "litellm", "LiteLLM"), *cassettes.passed_by("litellm")]
        if self.api_key is not None and not reveal(self.api_key, ""):
            variable = variable_of(self.api_key)
            found.append((f"the key in ${variable} is not set", f"set it: export {variable}=..."))
        found += [
            f"generation_kwargs cannot set {name!r}; use {instead}"
            for name, instead in RESERVED.items()
            if name in self.generation_kwargs
        ]
        return found + structure_problems(self.structured_output, COMPATIBLE)

    async def load(self) -> None:
        for problem in cassettes.passed_by("litellm"):
            raise RunError(*problem)
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it would load a table from the net when imported
        litellm = await asyncio.to_thread(extra, "litellm", "litellm", "LiteLLM")  # takes seconds
        litellm.telemetry = False
        litellm.suppress_debug_info = True
        litellm.drop_params = False  # what a provider does not take is said, not left out in silence
        logging.getLogger("LiteLLM").setLevel(logging.DEBUG if self.verbose else logging.ERROR)
        sampling = wire_sampling(self.generation_kwargs, COMPATIBLE)
        structure = wire_structure(self.structured_output, COMPATIBLE)
        key = _key_of(self.api_key)
        where = {"api_base": self.base_url} if self.base_url else {}
        extra_body = self.generation_kwargs.get("extra_body", {})
        self._body = {"model": self.model, **sampling, **structure, **extra_body, **where, **({"api_key": key} if key else {})}
        self._litellm = litellm

    async def complete(self, request: Request) -> Completion:
        """Answer one request. A schema of the request takes the place of `structured_output`."""
        if self._litellm is None:
            raise RuntimeError("load() must be awaited before complete()")
        body = {**self._body, "messages": request.chat}
        if request.n > 1:
            body["n"] = request.n
        if request.have and isinstance(body.get("seed"), int):  # the same seed would give the same reply
            body["seed"] += request.have
        if request.schema is not None:
            body["response_format"] = schema_format(request.schema, COMPATIBLE.schemas)
        try:
            reply = await self._litellm.acompletion(**body, timeout=self.timeout, num_retries=0, max_retries=0)
        except Exception as error:
            raise self._explained(error) from None  # it may hold the request with its key
        headers = (getattr(reply, "_hidden_params", None) or {}).get("additional_headers") or {}
        told = {str(name).removeprefix("llm_provider-"): str(value) for name, value in headers.items()}
        answer = Answer(200, told, orjson.dumps(reply.model_dump(), default=str))
        return read_completion(answer, self._target, request.n)

    @property
    def _target(self) -> Target:
        key = _key_of(self.api_key)
        variable = variable_of(self.api_key) if self.api_key is not None else None
        source = f"${variable}" if variable else "the variable that litellm looks for"
        return Target(self.model, self.endpoint, source, (key,) if key else tuple(secrets_here()))

    def _explained(self, error: Exception) -> LLMError:
        """One of our errors for one of litellm's."""
        kind, target = type(error).__name__, self._target
        message = target.excerpt(str(getattr(error, "message", "") or error))
        status = getattr(error, "status_code", None)
        if kind in _NO_ANSWER:
            return NetworkFailed(f"{target} gave no answer: {message}", "check the network, base_url and `timeout`")
        if kind == "AuthenticationError":
            return AuthFailed(f"{target} refuses the key; it said: {message}", f"set {target.key_source}")
        if not isinstance(status, int):
            return BadRequest(f"litellm cannot ask {target}: {kind}: {message}", "check `model` and generation_kwargs")
        told = {"error": {"message": message, "code": _CODES.get(kind)}}
        return classify(status, orjson.dumps(told), _headers_of(error), target)


def _headers_of(error: Exception) -> Mapping[str, str]:
    """The headers of a refusal: the `response` of its errors is mostly made up, and has none."""
    given = (getattr(error, "litellm_response_headers", None), getattr(getattr(error, "response", None), "headers", None))
    return next((headers for headers in given if isinstance(headers, Mapping) and headers), {})


def _key_of(secret: SecretStr | None) -> str | None:
    return reveal(secret, "") if secret is not None else None
