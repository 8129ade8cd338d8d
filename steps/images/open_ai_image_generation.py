"""Pictures from servers that speak OpenAI's protocol: /images/generations."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from steps import cassettes
from steps.errors import Complaint, EmptyReply, LLMError
from steps.images.base import ImageGenerationModel
from steps.images.fetching import fetch_image
from steps.images.files import data_address, kind_of
from steps.llms.base import Completion, Request, Usage
from steps.llms.chat_replies import count_of, object_of, something_else
from steps.llms.http import Answer
from steps.llms.listed_models import is_listed
from steps.llms.openai_server import OpenAIServer
from steps.llms.provider_errors import Target
from steps.llms.server_model import Wire
from steps.secrets import TRANSPORT

MOST_AT_ONCE = 10
_IMAGES = "images"
LARGEST_REPLY_BYTES = MOST_AT_ONCE * 2**24
"""Ten pictures of the best quality have more than other replies may."""
_RESERVED = {"n": "num_generations of the step", "model": "`model`", "prompt": "the column of the step"}


class OpenAIImageGeneration(OpenAIServer, ImageGenerationModel):
    """Asks a server that speaks OpenAI's protocol for pictures.

    `generation_kwargs` go to the server as they are: `size`, `quality`, `style`, `background`, ... Pictures come with the reply
    or, if the server names an address instead, are fetched from there at once. What a picture costs is said with
    `price: {image: 0.04}`, where the server does not count tokens.

    Example:
        >>> OpenAIImageGeneration(model="gpt-image-1", generation_kwargs={"size": "1024x1024"}).endpoint
        'https://api.openai.com/v1'
    """

    model: str = Field(min_length=1, description="Model id as the server knows it.", examples=["gpt-image-1"])
    timeout: float = Field(default=300, gt=0, description="Seconds to wait for a picture.", json_schema_extra=TRANSPORT)

    def problems(self) -> Sequence[Complaint]:
        given = self.generation_kwargs
        reserved = [f"generation_kwargs cannot set {name!r}; use {how}" for name, how in _RESERVED.items() if name in given]
        return [*super().problems(), *reserved]

    def _prepare(self) -> Wire:
        body: dict[str, Any] = {"model": self.server_model}
        if self.model.startswith("dall-e"):  # others have no choice, and some refuse to be told
            body["response_format"] = "b64_json"
        given = {name: value for name, value in self.generation_kwargs.items() if value is not None}
        return self._wire_at(["images/generations"], {**body, **given}, most_bytes=LARGEST_REPLY_BYTES)

    @property
    def can_be_looked_up(self) -> bool:
        return cassettes.current() is None  # they keep requests for replies

    async def look_up(self, account: int = 0) -> bool:
        return await is_listed(self._loaded, self.address, self.server_model, account)

    async def complete(self, request: Request) -> Completion:
        """Pictures of what the chat says."""
        wire, target = self._loaded, self._loaded.targets[request.account]
        body = {**wire.body, "prompt": str(request.chat[-1]["content"])}
        most = 1 if self.model.startswith("dall-e-3") else MOST_AT_ONCE
        if (wanted := min(request.n, most)) > 1:
            body["n"] = wanted
        answer = await self._post(wire.endpoint, body, wire.headers[request.account])
        return await self._read(answer, target, wanted)

    async def _read(self, answer: Answer, target: Target, wanted: int) -> Completion:
        body = object_of(answer, target, _IMAGES)
        data = body.get("data")
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise something_else(answer, target, "it has no list of data", _IMAGES)
        usage = body.get("usage")
        used = Usage(count_of(usage, "input_tokens"), count_of(usage, "output_tokens"), images=len(data))
        if not data:
            raise EmptyReply(f"{target} made no image", "change the prompt, or drop the row")
        try:
            files = await asyncio.gather(*(self._file(one, answer, target) for one in data[:wanted]))
        except LLMError as error:
            error.usage = used  # it is paid for all the same
            raise
        return Completion([data_address(file) for file in files], target.model, used, headers=answer.headers)

    async def _file(self, one: dict[str, Any], answer: Answer, target: Target) -> bytes:
        if isinstance(encoded := one.get("b64_json"), str) and encoded:
            try:
                file = base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise something_else(answer, target, "an image is no base64", _IMAGES) from error
            if kind_of(file) is None:
                raise something_else(answer, target, "what it calls an image is none", _IMAGES)
            return file
        if isinstance(url := one.get("url"), str) and url:
            return await fetch_image(url, self.address, self.timeout)
        raise something_else(answer, target, "an entry has no image", _IMAGES)
