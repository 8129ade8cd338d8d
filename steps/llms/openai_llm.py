"""Models behind any server that speaks the OpenAI chat protocol: OpenAI, vLLM, Ollama, TGI, llama.cpp and many more.

In what providers differ is data, a row of `steps.providers`. The openai package is not used: its client costs five times the
CPU per request and 0.7 s to import.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import PrivateAttr

from steps.errors import BadRequest, Complaint
from steps.llms.base import Completion, Request
from steps.llms.batch_apis.server import Translation
from steps.llms.chat_replies import read_completion
from steps.llms.chat_requests import (
    structure_problems,
    wire_sampling,
    wire_schema,
    wire_structure,
)
from steps.llms.openai_server import KEY_VARIABLE, OPENAI, OPENAI_URL, URL_VARIABLE, OpenAIServer
from steps.llms.server_llm import ServerLLM
from steps.llms.server_model import Wire
from steps.llms.user_turns import raw_prompt, wire_completion
from steps.llms.writes_user_turns import WritesUserTurns
from steps.providers import Provider

log = logging.getLogger(__name__)

__all__ = ["KEY_VARIABLE", "OPENAI", "OPENAI_URL", "URL_VARIABLE", "OpenAILLM"]


class OpenAILLM(WritesUserTurns, OpenAIServer, ServerLLM):
    """Asks a server that speaks OpenAI's protocol: OpenAI, vLLM, Ollama, TGI, ...

    `generation_kwargs` go by distilabel's names; names that are not known here are passed on to the server, and so is
    what `extra_body` holds. Where a server gives fewer replies than asked for (Ollama knows no `n`), tasks ask again.

    Example:
        >>> from steps.tasks import TextGeneration
        >>> llm = OpenAILLM(model="llama3.2", base_url="http://localhost:11434/v1", generation_kwargs={"temperature": 0.7})
        >>> TextGeneration(llm=llm).llm.model_name
        'llama3.2'
    """

    _dialect: Provider = PrivateAttr(default=OPENAI)
    """Made in `load`: what the address says is looked up once, not with each request."""

    def problems(self) -> Sequence[Complaint]:
        return [*super().problems(), *structure_problems(self.structured_output, self.provider)]

    def user_turn_problem(self, *, after_messages: bool) -> tuple[str, str] | None:
        if self._chat_format is not None and not self.provider.takes_texts:
            where = "api.openai.com" if self._is_openai else self.provider.title
            return f"{where} takes chats only, no prompt in the model's own format", "name another server in base_url"
        return super().user_turn_problem(after_messages=after_messages)

    @property
    def _is_openai(self) -> bool:
        return self.provider is OPENAI

    @property
    def _is_fine_tuned(self) -> bool:
        return self.model.startswith("ft:")

    @property
    def enforces_schemas(self) -> bool:
        """api.openai.com is known to do so, and so is Azure. What was chosen for all replies stands."""
        given = self.generation_kwargs
        is_chosen = "response_format" in given or "response_format" in (given.get("extra_body") or {})
        is_known = self._is_openai or (self.served_by is not None and self.served_by.schemas == "strict")
        return is_known and self.structured_output is None and not is_chosen

    def _prepare(self) -> Wire:
        self._dialect = self.provider
        wanted = self._chat_format
        return self._wire_at(["chat/completions", *(["completions"] if wanted else [])], self._common_body())

    def _common_body(self) -> dict[str, Any]:
        provider = self.provider
        sampling = wire_sampling(self.generation_kwargs, provider)
        structure = wire_structure(self.structured_output, provider, is_fine_tuned=self._is_fine_tuned)
        return {"model": self.server_model, **sampling, **structure, **self.generation_kwargs.get("extra_body", {})}

    # ---- requests
    async def complete(self, request: Request) -> Completion:
        """Answer one request. A schema of the request takes the place of `structured_output`."""
        wire = self._loaded
        if request.speaker == "user":
            return await self._write_user_turn(wire, request)
        body, told = self._body(wire, request)
        return await self._with_schema(told, lambda told: self._send(wire, body | told, request))

    def _body(self, wire: Wire, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is sent, and what is added to it to tell of a schema."""
        body = self._sampled({**wire.body, "messages": request.chat}, request)
        if request.schema is None:
            return body, {}
        return body, wire_schema(request.schema, self._dialect, request.chat, is_fine_tuned=self._is_fine_tuned)

    def _translation(self, wire: Wire) -> Translation:
        def body(request: Request) -> dict[str, Any]:
            if request.speaker == "user":
                raise BadRequest("a batch has no place for what a user would say", "set `batch: false` in this step")
            asked, told = self._body(wire, request)
            return asked if self._refuses_schemas else asked | told

        return Translation(body, lambda answer, wanted, target: read_completion(answer, target, wanted))

    async def _write_user_turn(self, wire: Wire, request: Request) -> Completion:
        wanted = self._chat_format
        if problem := self.user_turn_problem(after_messages=bool(request.chat)):
            raise BadRequest(*problem)
        assert wanted is not None
        sampling = {"model": self.server_model, **wire_completion(self.generation_kwargs, wanted)}
        body = {**sampling, "prompt": raw_prompt(request.chat, wanted)}
        return await self._send(wire, self._sampled(body, request), request)

    async def _send(self, wire: Wire, body: dict[str, Any], request: Request) -> Completion:
        endpoint, target = wire.endpoint, wire.targets[request.account]
        if request.speaker == "user":
            [endpoint], target = wire.others, replace(target, path="/completions")
        answer = await self._post(endpoint, body, wire.headers[request.account])
        return read_completion(answer, target, request.n)

    def _sampled(self, body: dict[str, Any], request: Request) -> dict[str, Any]:
        """The body with what tells one reply from the others."""
        if (wanted := min(request.n, self._dialect.most_n)) > 1:
            body["n"] = wanted
        seed = self._dialect.seed
        if request.have and isinstance(body.get(seed), int):  # the same seed would give the same reply
            body[seed] += request.have
        return body
