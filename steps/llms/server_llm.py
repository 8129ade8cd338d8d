"""What all models behind a server have in common that answer chats: schemas of replies, and batches."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import BaseModel, Field, PrivateAttr, field_validator

from steps.errors import BadRequest, Complaint, SchemaRefused
from steps.llms.addresses import url_problem
from steps.llms.base import LLM, Account, Completion
from steps.llms.batch_apis.anthropic import AnthropicBatches
from steps.llms.batch_apis.api import BatchAPI
from steps.llms.batch_apis.azure import AzureBatches
from steps.llms.batch_apis.mistral import MistralBatches
from steps.llms.batch_apis.openai import OpenAIBatches
from steps.llms.batch_apis.server import Translation
from steps.llms.chat_requests import RESERVED, StructuredOutput, parameter_problems
from steps.llms.server_model import ServerModel, Wire
from steps.providers import Batching
from steps.secrets import TRANSPORT

log = logging.getLogger(__name__)


class ServerLLM(ServerModel, LLM):
    """A model behind a server that answers chats."""

    structured_output: StructuredOutput | None = Field(
        default=None, description="JSON schema or regex that the server holds every reply to, where it can."
    )
    batch_pause: float = Field(
        default=5,
        gt=0,
        description="For steps with `batch`: requests leave once none has come for so many seconds; the first looks at a batch "
        "are as far apart, later ones up to twelve times.",
        json_schema_extra=TRANSPORT,
    )

    _refuses_schemas: bool = PrivateAttr(default=False)

    @field_validator("structured_output", mode="before")
    @classmethod
    def _take_models(cls, value: Any) -> Any:
        schema = value.get("schema") if isinstance(value, dict) else None
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return {**value, "schema": schema.model_json_schema()}
        return value

    def problems(self) -> Sequence[Complaint]:
        found = [*super().problems()]
        if url_problem(self.endpoint):
            return found
        found += [
            f"generation_kwargs cannot set {name!r}; use {instead}"
            for name, instead in RESERVED.items()
            if name in self.generation_kwargs
        ]
        return found + parameter_problems(self.generation_kwargs, self.provider)

    @property
    def sees(self) -> bool | None:
        return None if self.provider.vision else False

    @property
    def takes_schemas(self) -> bool:
        return not self._refuses_schemas

    # ---- batches
    @property
    def batching(self) -> Batching | None:
        return self.provider.batch

    def ask_without_schemas(self) -> None:
        self._refuses_schemas = True

    def batch_api(self, account: Account | None = None) -> BatchAPI:
        provider = self.provider
        if provider.batch is None:
            raise BadRequest(f"{provider.title} has no batch endpoint that is known here", "set `batch: false`")
        kinds: dict[str, type[BatchAPI]] = {
            "openai": OpenAIBatches,
            "azure": AzureBatches,
            "anthropic": AnthropicBatches,
            "mistral": MistralBatches,
        }
        wire = self._prepare()
        at = next((at for at, one in enumerate(self.accounts) if account is not None and one == account), 0)
        headers = {**wire.endpoint.headers, **wire.headers[at]}
        kind, told = kinds[provider.batch.protocol], self._translation(wire)
        return kind(self.address, provider, wire.targets[at], headers, told, timeout_s=self.timeout, pause_s=self.batch_pause)

    def _translation(self, wire: Wire) -> Translation:
        """How a batch has its requests, and how its answers are read."""
        raise NotImplementedError(f"{type(self).__name__}._translation")

    async def _with_schema(self, told: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[Completion]]) -> Completion:
        """What `send` gets when it adds `told`, which is how the server is told of a schema, to its request.

        A server that refuses the schema is asked without: the prompt describes the reply too, and the task checks it.
        """
        if not told or self._refuses_schemas:
            return await send({})
        try:
            return await send(told)
        except SchemaRefused as refusal:
            completion = await send({})  # if this fails too, it was not for the schema
            if not self._refuses_schemas:
                self._refuses_schemas = True
                log.warning("%s (it is asked without from now on; replies are checked all the same)", refusal.message)
            return completion
