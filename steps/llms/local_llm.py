"""What all models have in common that this machine computes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NotRequired, Protocol

import orjson
from pydantic import BaseModel, Field, PrivateAttr, field_validator, with_config
from typing_extensions import TypedDict

from steps.chats import content_text
from steps.errors import BadRequest, Complaint, EmptyReply
from steps.extras import without_extra
from steps.llms.base import Chat, Completion, Message, Request
from steps.llms.chat_requests import RESERVED
from steps.llms.user_turns import LONGEST_TURN, raw_prompt, stops_of
from steps.llms.writes_user_turns import WritesUserTurns
from steps.local import sharing, weights
from steps.local.engine import Asked, Engine, Generated, Structure
from steps.local.failures import cannot_load

ANSWERING = frozenset(
    {
        *("generation_kwargs", "structured_output", "use_magpie_template", "magpie_pre_query_template", "magpie_end_of_turn"),
        *("max_concurrency", "requests_per_minute", "tokens_per_minute", "max_retries", "price"),
    }
)
"""Parameters that say how is asked and answered, not what is loaded: models that differ only in these are loaded once."""


@with_config(extra="forbid")
class LocalStructure(TypedDict):
    """What every reply must be: JSON (that follows `schema`, if given), text that the regex `schema` matches, or one of the
    texts in `schema`.
    """

    format: Literal["json", "regex", "choice"]
    schema: NotRequired[dict[str, Any] | str | list[str] | None]


class Elsewhere(Protocol):
    """Where models are that are loaded in another process than the one that asks them."""

    @property
    def replicas(self) -> int: ...

    async def take(self, weights: str) -> Engine:
        """What answers for the model with these weights, once it is loaded."""


class LocalLLM(WritesUserTurns):
    """A model that this machine computes. Subclasses say how it is loaded (`start_engine`), the rest is here.

    In a run it lives in a process of its own, which all steps share that ask the same model with the same resources: the engine
    of the run says so with `live`. Elsewhere (in a notebook) `load` loads it right here.
    """

    default_pool: ClassVar[str] = "gpu"
    needs_gpu: ClassVar[bool] = False
    """Whether it is no use without one. Where it is, a machine without GPUs runs it in the pool process."""
    package: ClassVar[str] = ""
    """The module it needs, and what the extra with it is called where that is another word (`extra`)."""
    extra: ClassVar[str] = ""
    structures: ClassVar[frozenset[str]] = frozenset()
    """Of `json`, `regex` and `choice` those that it can hold replies to."""
    reaches: ClassVar[str] = "the Hub, for the weights"

    structured_output: LocalStructure | None = Field(
        default=None, description="JSON schema, regex or list of texts that every reply is held to."
    )

    _engine: Engine | None = PrivateAttr(default=None)
    _loads: int = PrivateAttr(default=0)
    _elsewhere: Elsewhere | None = PrivateAttr(default=None)

    @field_validator("structured_output", mode="before")
    @classmethod
    def _take_models(cls, value: Any) -> Any:
        schema = value.get("schema") if isinstance(value, dict) else None
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return {**value, "schema": schema.model_json_schema()}
        return value

    # ---- what it is
    @abstractmethod
    async def start_engine(self) -> Engine:
        """Load the model.

        Raises:
            RunError: It cannot be loaded; other errors are put into words by `cannot_load`.
        """

    @property
    def source(self) -> str:
        """Where its weights are: a name on the Hub, or a path."""
        return self.model_name

    def weights(self) -> str:
        """Identity of what is loaded: models with the same share it."""
        given = self.model_dump(mode="json", exclude=set(ANSWERING))
        return orjson.dumps(given, option=orjson.OPT_SORT_KEYS).decode()

    def fingerprint(self) -> str:
        return weights.fingerprint(self.source)

    @property
    def most_in_flight(self) -> int:
        return self.max_concurrency * (self._elsewhere.replicas if self._elsewhere is not None else 1)

    @property
    def sees(self) -> bool:
        return False

    @property
    def enforces_schemas(self) -> bool:
        return "json" in self.structures and self.structured_output is None

    def problems(self) -> Sequence[Complaint]:
        found: list[Complaint] = [*self.missing_packages()]
        found += [
            f"generation_kwargs cannot set {name!r}; use {instead}"
            for name, instead in RESERVED.items()
            if name in self.generation_kwargs
        ]
        return [*found, *self._structure_problems()]

    def missing_packages(self) -> Sequence[Complaint]:
        """What has to be installed first."""
        return without_extra(self.package, self.extra or self.package, type(self).__name__) if self.package else ()

    def _structure_problems(self) -> Sequence[Complaint]:
        if (given := self.structured_output) is None:
            return ()
        kind, schema = given["format"], given.get("schema")
        if kind not in self.structures:
            known = ", ".join(sorted(self.structures)) or "nothing"
            return [(f"{type(self).__name__} cannot hold replies to format {kind!r}; it can to: {known}", "leave it out")]
        fits = {"json": isinstance(schema, dict | None), "regex": isinstance(schema, str), "choice": bool(_texts(schema))}
        needs = {"json": "a JSON schema as `schema`, or none", "regex": "the regex as `schema`", "choice": "texts in `schema`"}
        return [] if fits[kind] else [f"structured_output of format {kind!r} needs {needs[kind]}"]

    # ---- life
    def live(self, elsewhere: Elsewhere | None) -> None:
        """Say where the model is loaded from now on; None for here."""
        self._elsewhere = elsewhere

    async def load(self) -> None:
        """Load the model, unless another step has. An LLM that several steps share is loaded by each of them."""
        if self._elsewhere is not None:
            self._engine = await self._elsewhere.take(self.weights())
        else:
            self._engine = await sharing.take(self.weights(), self.make_engine)
        self._loads += 1

    async def make_engine(self) -> Engine:
        """The model, loaded here.

        Raises:
            RunError: Why it cannot be, and what to do.
        """
        try:
            return await self.start_engine()
        except Exception as error:
            raise cannot_load(self.source, error) from error

    async def unload(self) -> None:
        """Let go of the model, once every step that loaded it is done."""
        if not self._loads:
            return
        self._loads -= 1
        engine = self._engine
        if not self._loads:
            self._engine = None
        if self._elsewhere is None:
            await sharing.give_back(self.weights())
        elif engine is not None:
            await engine.close()

    # ---- requests
    async def complete(self, request: Request) -> Completion:
        """Answer one request. A schema of the request takes the place of `structured_output`."""
        if (engine := self._engine) is None:
            raise RuntimeError("load() must be awaited before complete()")
        return self._completion(await engine.answer(self.asked(request)))

    def asked(self, request: Request) -> Asked:
        """The request, as an engine takes it.

        Raises:
            BadRequest, RowError: It cannot be asked: only chats of texts can.
        """
        if request.speaker == "user":
            return self._user_turn(request)
        return Asked(_of_texts(request.chat), self.generation_kwargs, request.n, request.have, self._structure(request))

    def _user_turn(self, request: Request) -> Asked:
        if problem := self.user_turn_problem(after_messages=bool(request.chat)):
            raise BadRequest(*problem)
        wanted = self._chat_format
        assert wanted is not None
        sampling = {"max_new_tokens": self.longest_reply or LONGEST_TURN, **self.generation_kwargs}
        if stops := stops_of(sampling.get("stop"), wanted):
            sampling["stop"] = stops
        return Asked([], sampling, request.n, request.have, prompt=raw_prompt(request.chat, wanted))

    def _structure(self, request: Request) -> Structure | None:
        if request.schema is not None and "json" in self.structures:
            return Structure("json", request.schema)
        if (given := self.structured_output) is None:
            return None
        return Structure(given["format"], given.get("schema"))

    def _completion(self, made: Generated) -> Completion:
        reasons: list[str | None] = made.finish_reasons or [None] * len(made.texts)
        read = [(text, reason) for text, reason in zip(made.texts, reasons, strict=True) if text.strip()]
        if read:
            return Completion([text for text, _ in read], self.model_name, made.usage, [reason for _, reason in read])
        error: BadRequest | EmptyReply
        if "length" in reasons:
            error = BadRequest(f"{self.model_name!r} used up its tokens before it wrote any text", "raise max_new_tokens")
        else:
            error = EmptyReply(f"{self.model_name!r} wrote nothing", "change the prompt or the sampling, or drop the row")
        error.usage = made.usage
        raise error


def _of_texts(chat: Chat) -> Chat:
    """The chat with one text per message: templates of models know no parts."""
    return [one if _is_plain(one) else {**one, "content": content_text(one)} for one in chat]


def _is_plain(message: Message) -> bool:
    content = message.get("content")
    return isinstance(content, str) or (content is None and bool(message.get("tool_calls")))


def server_problems(given: dict[str, Any]) -> Sequence[Complaint]:
    """What further arguments of a server of the run cannot be: it would not be found, or let nobody in."""
    taken = [name for name in given if name.replace("-", "_") in ("host", "port", "api_key", "uds", "root_path", "api_prefix")]
    return [
        (f"extra_kwargs cannot set {name!r} with `serve`: a free port of this machine is found", "leave it out")
        for name in taken
    ]


def _texts(schema: object) -> bool:
    return isinstance(schema, list) and bool(schema) and all(isinstance(text, str) and text for text in schema)
