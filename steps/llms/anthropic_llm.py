"""Claude, by the Messages API of Anthropic. The anthropic package is not used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from steps.errors import Complaint
from steps.llms.anthropic_wire import read_message, wire_chat, wire_format
from steps.llms.base import Completion, Request
from steps.llms.batch_apis.server import Translation
from steps.llms.chat_requests import wire_sampling
from steps.llms.provider_fields import address_field, key_field, model_field
from steps.llms.server_llm import ServerLLM
from steps.llms.server_model import Wire
from steps.providers import BY_CLASS
from steps.secrets import TRANSPORT, Secret

VERSION = "2023-06-01"
LONGEST_REPLY = 4096
"""Tokens of a reply that nobody limits: Anthropic wants to be told a number."""
_ANTHROPIC = BY_CLASS["AnthropicLLM"]


class AnthropicLLM(ServerLLM):
    """Asks Claude at Anthropic.

    A reply has at most 4096 tokens unless `generation_kwargs` say otherwise, with `max_new_tokens`. Where a JSON schema is
    asked for, models that know structured outputs are held to it; others are asked without.

    Example:
        >>> AnthropicLLM(model="claude-haiku-4-5", generation_kwargs={"max_new_tokens": 512}).endpoint
        'https://api.anthropic.com/v1'
    """

    served_by = _ANTHROPIC

    model: str = model_field(_ANTHROPIC)
    base_url: str | None = address_field(_ANTHROPIC)
    api_key: Secret | list[Secret] | None = key_field(_ANTHROPIC)
    timeout: float = Field(default=600, gt=0, description="Seconds to wait for a reply.", json_schema_extra=TRANSPORT)

    @property
    def longest_reply(self) -> int | None:
        return super().longest_reply or LONGEST_REPLY

    @property
    def enforces_schemas(self) -> bool:
        """It does; models that cannot are asked without. What was chosen for all replies stands."""
        return self.structured_output is None and "output_config" not in self.generation_kwargs

    def problems(self) -> Sequence[Complaint]:
        found, wanted = [*super().problems()], self.structured_output
        if wanted is not None and (wanted["format"] != "json" or not isinstance(wanted.get("schema"), dict)):
            found.append("structured_output for Anthropic needs format 'json' and a JSON schema")
        return found

    def _prepare(self) -> Wire:
        sampling = wire_sampling(self.generation_kwargs, _ANTHROPIC)
        if isinstance(stop := sampling.get("stop_sequences"), str):
            sampling["stop_sequences"] = [stop]
        schema = self.structured_output.get("schema") if self.structured_output is not None else None
        told = wire_format(schema) if isinstance(schema, dict) else {}
        extra = self.generation_kwargs.get("extra_body", {})
        body = {"model": self.model, "max_tokens": LONGEST_REPLY, **sampling, **told, **extra}
        return self._wire_at(["messages"], body, {"anthropic-version": VERSION})

    async def complete(self, request: Request) -> Completion:
        """Answer one request, with one reply. A schema of the request takes the place of `structured_output`."""
        wire = self._loaded
        body, told = self._body(wire, request)

        async def send(told: dict[str, Any]) -> Completion:
            answer = await self._post(wire.endpoint, body | told, wire.headers[request.account])
            return read_message(answer, wire.targets[request.account])

        return await self._with_schema(told, send)

    def _body(self, wire: Wire, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is sent, and what is added to it to tell of a schema."""
        return {**wire.body, **wire_chat(request.chat)}, wire_format(request.schema) if request.schema is not None else {}

    def _translation(self, wire: Wire) -> Translation:
        def body(request: Request) -> dict[str, Any]:
            asked, told = self._body(wire, request)
            return asked if self._refuses_schemas else asked | told

        return Translation(body, lambda answer, wanted, target: read_message(answer, target))
