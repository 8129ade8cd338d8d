"""What a model is to a step: chat messages in, texts and token counts out.

An LLM class translates requests and replies, nothing else. Retries, limits, the journal and cost live once, in the
engine, which calls `complete`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from steps.errors import BadReply
from steps.llms.prices import FREE, Price
from steps.models import Model
from steps.registry import Kind
from steps.secrets import TRANSPORT

if TYPE_CHECKING:
    from random import Random

    from steps.llms.batch_apis.api import BatchAPI
    from steps.providers import Batching

Message = dict[str, Any]
"""One chat message of the OpenAI protocol: `{"role": "user", "content": "..."}`."""
Chat = list[Message]
JSONSchema = dict[str, Any]
Speaker = Literal["assistant", "user"]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    `schema`: JSON schema that the reply should follow, if any. `n`: replies wanted; `have`: replies it has got already, of a
    server that gives fewer at a time than it is asked for. `row`, `rehearse` and `asker` exist for
    the models that need no server: a replay looks its answer up in the row, a rehearsal asks the task for a reply that it
    can parse, and gives each asker replies of its own: a step, by name, and in a run a row, each time that it asks.
    `model`: which of the task's models is asked, by its name there (`Task.models`).
    `account`: which of the LLM's `accounts` to use.
    `speaker`: whose message is wanted after the chat; "user" for what a user would say next (`LLM.user_turn_problem`).
    """

    chat: Chat
    n: int = 1
    have: int = 0
    schema: JSONSchema | None = None
    row: dict[str, Any] = field(default_factory=dict)
    rehearse: Callable[[Random], str] | None = None
    asker: str = ""
    model: str = ""
    account: int = 0
    speaker: Speaker = "assistant"


@dataclass(frozen=True, slots=True)
class Account:
    """What requests are counted against at a server: one key. `identity` tells keys apart and shows none of them."""

    name: str = ""
    """Where the key comes from, e.g. `$OPENAI_API_KEY`: what messages call it."""
    identity: str = ""
    has_key: bool = True
    """False at a server that needs none and was given none."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request, as the server counted them, and images that it made.

    `cached_input_tokens` are those of the input that it had cached; `reasoning_tokens` those of the output that nobody sees.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    images: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.images + other.images,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered: `n` texts, the model's own name for itself, and tokens used."""

    texts: list[str]
    model_name: str
    usage: Usage = Usage()
    finish_reasons: list[str | None] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Headers of the reply: what the server says of its limits."""


Ask = Callable[[Request], Awaitable[Completion]]
"""How a task reaches its model. The engine passes one that retries, limits and records; `llm.complete` is the plain one."""


def topped_up(ask: Ask, at_once: Callable[[Request], int] = lambda request: 0) -> Ask:
    """Asks again as long as a server gives fewer replies than asked for (Ollama knows no `n`). Each is a request of its own.

    `at_once`: replies that a server gives at a time, where it is known, and all are to be asked for at the same time; else 0.
    """

    async def ask_all(request: Request) -> Completion:
        step = at_once(request)
        if step and request.n > step:
            parts = [replace(request, n=request.n - have, have=request.have + have) for have in range(0, request.n, step)]
            replies = await asyncio.gather(*map(ask, parts), return_exceptions=True)  # all are paid for: all are waited for
            if failures := [one for one in replies if isinstance(one, BaseException)]:
                raise failures[0]
            completion = _joined([one for one in replies if isinstance(one, Completion)])
        else:
            completion = await ask(request)
        while (have := len(completion.texts)) < request.n:
            more = await ask(replace(request, n=request.n - have, have=request.have + have))
            if not more.texts:
                raise BadReply(f"the server sent {have} of {request.n} replies", "ask for fewer per request")
            completion = _joined([completion, more])
        return completion

    return ask_all


def _joined(completions: Sequence[Completion]) -> Completion:
    texts = [text for one in completions for text in one.texts]
    reasons = [reason for one in completions for reason in one.finish_reasons]
    return Completion(texts, completions[0].model_name, sum((one.usage for one in completions), Usage()), reasons)


class Responder(Model):
    """A model that answers requests, and that the engine asks: of chats, of texts to embed, of words to make pictures of."""

    default_pool: ClassVar[str] = "async"
    answers_anew: ClassVar[bool] = True
    """Asked once more, it may answer something else: it makes sense to have it correct a reply."""
    is_cheap_to_try: ClassVar[bool] = True
    """Whether one tiny request tells for next to nothing that it can be asked."""

    max_concurrency: int = Field(
        default=64, ge=1, description="Most requests in flight at a time.", json_schema_extra=TRANSPORT
    )
    requests_per_minute: float | None = Field(
        default=None,
        gt=0,
        description="Most requests a minute with one key. Empty: found out from the server.",
        json_schema_extra=TRANSPORT,
    )
    tokens_per_minute: float | None = Field(
        default=None,
        gt=0,
        description="Most tokens a minute with one key, prompts and replies. Empty: found out from the server.",
        json_schema_extra=TRANSPORT,
    )
    max_retries: int = Field(
        default=6, ge=0, description="Further attempts after a failure that may pass.", json_schema_extra=TRANSPORT
    )
    price: Price | None = Field(
        default=None,
        description="USD per million tokens, {input: 0.15, output: 0.60}; empty to look it up.",
        json_schema_extra=TRANSPORT,
    )

    @property
    def endpoint(self) -> str:
        """Where the requests go: steps with the same endpoint share its limits."""
        return f"{type(self).__name__}:{self.model_name}"

    @property
    def most_in_flight(self) -> int:
        """Requests that may be under way to it at a time, all its replicas together."""
        return self.max_concurrency

    @property
    def rows_per_request(self) -> int:
        """Rows whose questions may travel together: the chat has a message for each of them then, and the reply a text."""
        return 1

    @property
    def chars_per_request(self) -> int:
        """Characters of all questions that travel together, at most."""
        return 300_000

    @property
    def accounts(self) -> Sequence[Account]:
        """The keys that requests may be sent with. The engine shares them out, each within limits of its own."""
        return (Account(),)

    @property
    def longest_reply(self) -> int | None:
        """Tokens that a reply has at most; None when nothing limits it."""
        return None

    def find_price(self) -> Price | None:
        """What its tokens cost; None when nobody knows. What answers in this process is free.

        Raises:
            SpecError: The user's table of prices cannot be read.
        """
        if self.price is not None:
            return self.price
        return FREE if self.is_free or self.default_pool != "async" else None

    async def load(self) -> None:
        """Get ready to answer; runs once per worker, on the event loop that will call `complete`."""

    async def unload(self) -> None:
        """Close what `load` opened."""

    async def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises:
            LLMError: What went wrong, told apart by what can be done about it.
        """
        raise NotImplementedError(f"{type(self).__name__}.complete")

    @property
    def can_be_looked_up(self) -> bool:
        """Whether its server may say for nothing that it takes the key and knows the model (`look_up`)."""
        return False

    async def look_up(self, account: int = 0) -> bool:
        """Ask the server, once this is loaded, whether it takes this key and knows the model. False: it does not say.

        Raises:
            LLMError: It does not.
        """
        return False

    @property
    def batching(self) -> Batching | None:
        """How its provider takes many requests at once; None where it does not, or where nobody knows how."""
        return None

    def batch_api(self, account: Account | None = None) -> BatchAPI:
        """The batch endpoint of its provider, with the key of an account, or the first one.

        Raises:
            LLMError: The address or the key cannot be used.
        """
        raise NotImplementedError(f"{type(self).__name__}.batch_api")

    def ask_without_schemas(self) -> None:
        """The server has refused the `schema` of a request: send none from now on."""

    def alike(self) -> Responder:
        """A model with the same answers, by the most general class there is: what its journal knows it as."""
        return self

    def members(self) -> Mapping[str, Any]:
        """The models that it asks instead of answering by itself, by names of its own; the first has the last word."""
        return {}

    async def compose(self, request: Request, ask: Ask) -> Completion:
        """Answer by asking members: `Request.model` says which of them `ask` is to ask.

        Raises:
            LLMError: One of them gave no answer.
        """
        raise NotImplementedError(f"{type(self).__name__}.compose")


class Sampled(Model):
    """A model whose replies depend on how they are drawn. It comes after `Responder` among bases: forms show it first."""

    generation_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Sampling: temperature, max_new_tokens, top_p, stop, seed, ..."
    )


class LLM(Responder, Sampled):
    """A model that answers chats."""

    kind: ClassVar[Kind] = "llms"
    example: ClassVar[str] = "OpenAILLM"
    rehearsal: ClassVar[str] = "RehearsalLLM"

    @property
    def sees(self) -> bool | None:
        """Whether it takes images beside texts; None where that is up to the model, and nobody knows."""
        return None

    @property
    def enforces_schemas(self) -> bool:
        """Whether it is known to hold its replies to the `schema` of a request."""
        return False

    @property
    def takes_schemas(self) -> bool:
        """False once a server has refused the `schema` of a request."""
        return True

    @property
    def longest_reply(self) -> int | None:
        limits = (self.generation_kwargs.get(name) for name in ("max_new_tokens", "max_completion_tokens", "max_tokens"))
        return next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)

    def alike(self) -> LLM:
        return self

    def members(self) -> Mapping[str, LLM]:
        return {}

    def user_turn_problem(self, *, after_messages: bool) -> tuple[str, str] | None:
        """Why it cannot write what a user would say, and what to do; None if it can. `after_messages`: others come before."""
        what = f"{type(self).__name__} only answers; it does not write what a user would say"
        return what, "take an OpenAILLM with a magpie_pre_query_template, at a server that offers /v1/completions"


AnyLLM = SerializeAsAny[LLM]
