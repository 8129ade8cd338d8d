"""Vectors from any server that speaks OpenAI's protocol: OpenAI, vLLM, Ollama, llama.cpp, TEI and many more.

They are asked as models that answer chats are: by the engine, with limits, retries, journal, price and budget.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from steps import cassettes
from steps.embeddings.base import Embeddings, readable
from steps.embeddings.packing import packed, unpacked
from steps.errors import Complaint, ModelUnfit
from steps.llms.base import Completion, Request, Usage
from steps.llms.chat_replies import count_of, object_of, something_else
from steps.llms.http import Answer
from steps.llms.openai_server import OpenAIServer
from steps.llms.provider_errors import Target
from steps.llms.server_model import Wire
from steps.providers import Embeds
from steps.secrets import TRANSPORT

_VECTORS = "vectors"


class OpenAIEmbeddings(OpenAIServer, Embeddings):
    """Asks a server that speaks OpenAI's protocol for vectors.

    Texts of several rows travel in one request. Each vector is kept as soon as it is there, so a run that goes on asks only for
    those it has not got. Numbers have the precision of float32.

    Example:
        >>> embeddings = OpenAIEmbeddings(model="text-embedding-3-small", dimensions=256)
        >>> embeddings.endpoint
        'https://api.openai.com/v1'
    """

    model: str = Field(min_length=1, description="Model id as the server knows it.", examples=["text-embedding-3-small"])
    dimensions: int | None = Field(default=None, ge=1, description="Numbers per vector, where the model leaves a choice.")
    inputs_per_request: int = Field(
        default=64, ge=1, le=2048, description="Most texts in one request.", json_schema_extra=TRANSPORT
    )
    max_concurrency: int = Field(
        default=16, ge=1, description="Most requests in flight at a time.", json_schema_extra=TRANSPORT
    )
    encoding_format: Literal["float", "base64"] | None = Field(
        default=None,
        description="How vectors travel. Empty: in base64, which is smaller, where the server is known to do so.",
        json_schema_extra=TRANSPORT,
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="Further parameters of the request, as the server calls them."
    )

    @property
    def rows_per_request(self) -> int:
        if cassettes.VARIABLE in os.environ:  # which texts travel together depends on the moment: alone they are found again
            return 1
        return min(self.inputs_per_request, self._ways.most_inputs)

    @property
    def chars_per_request(self) -> int:
        return self._ways.most_chars

    @property
    def longest_reply(self) -> int:
        return 0

    @property
    def _ways(self) -> Embeds:
        return self.provider.embeds or Embeds()

    @property
    def _word_for_dimensions(self) -> str:
        return self._ways.dimensions or "dimensions"

    def problems(self) -> Sequence[Complaint]:
        found = [*super().problems()]
        provider = self.provider
        if provider.embeds is None:
            found.append((f"{provider.title} has no vectors to offer", "name another server in base_url"))
        elif self.dimensions is not None and not provider.embeds.dimensions:
            found.append((f"{provider.title} leaves no choice of `dimensions`", "take it out; or choose another model"))
        return found

    def alike(self) -> OpenAIEmbeddings:
        return self

    def _prepare(self) -> Wire:
        ways = self._ways
        body: dict[str, Any] = {"model": self.server_model}
        if self.dimensions is not None:
            body[self._word_for_dimensions] = self.dimensions
        if wanted := self.encoding_format or ("base64" if ways.takes_base64 else None):
            body["encoding_format"] = wanted
        return self._wire_at(["embeddings"], {**body, **self.extra_body})

    async def complete(self, request: Request) -> Completion:
        """Vectors of the texts that the messages of the chat are, as texts (`steps.embeddings.packing`)."""
        wire, target = self._loaded, self._loaded.targets[request.account]
        texts = [readable(str(message.get("content") or "")) for message in request.chat]
        answer = await self._post(wire.endpoint, {**wire.body, "input": texts}, wire.headers[request.account])
        completion = read_vectors(answer, target, len(texts))
        if isinstance(asked := wire.body.get(self._word_for_dimensions), int):
            _require_length(asked, completion, target)
        return completion


def read_vectors(answer: Answer, target: Target, wanted: int) -> Completion:
    """The vectors of an answer, in the order of the texts.

    Raises:
        LLMError: The server refused, or its answer does not hold a vector for each text.
    """
    body = object_of(answer, target, _VECTORS)
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise something_else(answer, target, "it has no list of data", _VECTORS)
    if len(data) != wanted:
        raise something_else(answer, target, f"it has {len(data)} vectors of {wanted} texts", _VECTORS)
    try:
        texts = [packed(_vector(one.get("embedding"))) for one in _in_order(data)]
    except ValueError as error:
        raise something_else(answer, target, f"it has {error}", _VECTORS) from error
    if len(set(map(len, texts))) > 1:
        raise something_else(answer, target, "its vectors have different lengths", _VECTORS)
    usage = body.get("usage")
    used = Usage(count_of(usage, "prompt_tokens") or count_of(usage, "total_tokens"))
    name = body.get("model")
    return Completion(texts, name if isinstance(name, str) and name else target.model, used, headers=answer.headers)


def _require_length(asked: int, completion: Completion, target: Target) -> None:
    """See that vectors have the length that was asked for: many servers take no notice of it.

    Raises:
        ModelUnfit: They have another, and so would those of all rows.
    """
    if not completion.texts or (got := len(unpacked(completion.texts[0]))) == asked:
        return
    error = ModelUnfit(
        f"{target} gave vectors of {got} numbers where `dimensions` asks for {asked}: it takes no notice of it",
        f"leave `dimensions` out, or set it to {got}; or choose a model whose vectors can be shortened",
    )
    error.usage = completion.usage  # it is paid for all the same
    raise error


def _in_order(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries as the texts were sent; some servers do not number them, or number all alike.

    Raises:
        ValueError: Nobody can tell which vector is whose.
    """
    numbers = [one.get("index") for one in data]
    if all(number == numbers[0] for number in numbers):
        return data
    places = {number: at for at, number in enumerate(numbers) if isinstance(number, int)}
    if places.keys() != set(range(len(data))):
        raise ValueError("vectors whose numbers do not say to which text each belongs")
    return [data[places[at]] for at in range(len(data))]


def _vector(found: Any) -> list[float] | str:
    if isinstance(found, (list, str)):
        return found
    raise ValueError("a vector that is none")
