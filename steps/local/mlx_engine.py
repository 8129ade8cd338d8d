"""MLX in this process: a thread computes all questions under way together, token by token, and takes new ones in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from steps.errors import BadRequest, ContextTooLong, LLMError, RunError
from steps.extras import extra
from steps.llms.base import Usage
from steps.local.engine import LONGEST_REPLY, Asked, Engine, Generated
from steps.local.failures import NO_TEMPLATE, cannot_answer

_SAMPLER = {"temperature": "temp", "top_p": "top_p", "min_p": "min_p", "top_k": "top_k"}
_PENALTIES = ("repetition_penalty", "presence_penalty", "frequency_penalty")
_KNOWN = ("max_new_tokens", "stop", "chat_template_kwargs", *_SAMPLER, *_PENALTIES)
TOKENS_AT_A_TIME = 8
"""Tokens of each reply that the thread computes before it looks whether anything else is to be done."""
TAIL = 16
"""Tokens at the end of a reply in which a text to stop at is looked for: the longest that is found as soon as it is there."""


@dataclass(slots=True, eq=False)
class _Question:
    """`n` replies to one prompt, each a sequence of tokens of its own."""

    prompt: list[int]
    n: int
    longest: int
    sampler: Any
    processors: list[Any]
    stops: list[str]
    answer: asyncio.Future[Generated]
    replies: list[_Reply] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Reply:
    question: _Question
    tokens: list[int] = field(default_factory=list)
    made: int = 0
    ended: str | None = None


class MlxEngine(Engine):
    """A model of mlx_lm and its tokenizer, with continuous batching."""

    def __init__(self, name: str, model: Any, tokenizer: Any, thread: ThreadPoolExecutor, most: int) -> None:
        """`most`: replies that are computed together at most."""
        self._name = name
        self._net = model
        self._tokenizer = tokenizer
        self._longest = getattr(getattr(model, "args", None), "max_position_embeddings", None)
        self._thread = thread
        self._most = most
        self._waiting: deque[_Question] = deque()
        self._open: dict[int, _Reply] = {}
        """Replies under way, by MLX's number."""
        self._generator: Any = None
        self._working: asyncio.Task[None] | None = None

    @classmethod
    async def load(
        cls, name: str, tokenizer_config: dict[str, Any], model_config: dict[str, Any], adapter: str | None, most: int
    ) -> Self:
        thread = ThreadPoolExecutor(1, "mlx")  # what MLX computes belongs to a thread
        how = {"tokenizer_config": tokenizer_config, "model_config": model_config, "adapter_path": adapter}
        library: Any = extra("mlx_lm", "mlx", "MlxLLM")
        model, tokenizer = await asyncio.get_running_loop().run_in_executor(thread, lambda: library.load(name, **how))
        if not tokenizer.has_chat_template:
            raise RunError(f"the model {name!r} cannot be asked: {NO_TEMPLATE[0]}", "take a model that was trained on chats")
        caches: Any = extra("mlx_lm.models.cache", "mlx", "MlxLLM")
        if alone := [type(one).__name__ for one in caches.make_prompt_cache(model) if not hasattr(one, "merge")]:
            raise RunError(
                f"MLX computes one reply of {name!r} at a time ({alone[0]})",
                "start `mlx_lm.server`, and ask it with `use: OpenAILLM` and its address as base_url",
            )
        return cls(name, model, tokenizer, thread, most)

    # ---- questions
    async def answer(self, asked: Asked) -> Generated:
        question = self._question(asked)
        self._waiting.append(question)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await question.answer

    def _question(self, asked: Asked) -> _Question:
        sampler, processors = self.sampling(asked)
        stop = asked.sampling.get("stop") or []
        prompt = self._tokens(asked)
        longest = asked.sampling.get("max_new_tokens") or LONGEST_REPLY
        if self._longest is not None:
            if len(prompt) >= self._longest:
                what = f"the prompt has {len(prompt)} tokens; {self._name!r} reads {self._longest} with its reply"
                raise ContextTooLong(what, "shorten the row (TruncateTextColumn), or take a model with a longer context")
            longest = min(longest, self._longest - len(prompt))
        stops = [stop] if isinstance(stop, str) else list(stop)
        answer = asyncio.get_running_loop().create_future()
        return _Question(prompt, asked.n, longest, sampler, processors, stops, answer)

    def _tokens(self, asked: Asked) -> list[int]:
        text = asked.prompt
        try:
            if text is None:
                more = asked.sampling.get("chat_template_kwargs", {})
                text = self._tokenizer.apply_chat_template(asked.chat, tokenize=False, add_generation_prompt=True, **more)
            else:
                text = f"{self._tokenizer.bos_token or ''}{text}"
            return list(self._tokenizer.encode(text, add_special_tokens=False))
        except Exception as error:
            raise cannot_answer(self._name, error) from error

    def sampling(self, asked: Asked) -> tuple[Any, list[Any]]:
        """How the next token is drawn, and what changes its chances.

        Raises:
            BadRequest: MLX does not know what is asked for.
        """
        given = {name: value for name, value in asked.sampling.items() if value is not None}
        if unknown := given.keys() - set(_KNOWN):
            what = f"MlxLLM does not know {', '.join(sorted(unknown))} of generation_kwargs"
            raise BadRequest(what, f"leave it out; it takes {', '.join(_KNOWN)}")
        utils: Any = extra("mlx_lm.sample_utils", "mlx", "MlxLLM")
        drawn = {theirs: given[ours] for ours, theirs in _SAMPLER.items() if ours in given}
        penalties = {name: given[name] for name in _PENALTIES if name in given}
        return utils.make_sampler(**drawn), utils.make_logits_processors(**penalties) if penalties else []

    # ---- work
    async def _work(self) -> None:
        """Compute as long as anything is asked."""
        await asyncio.sleep(0)  # those that come in the same turn of the loop go along
        loop = asyncio.get_running_loop()
        while self._waiting or self._open:
            try:
                finished = await loop.run_in_executor(self._thread, self._compute)
            except Exception as error:
                self._fail(cannot_answer(self._name, error))
                continue
            for question in finished:
                if not question.answer.done():
                    question.answer.set_result(self._generated(question))

    def _compute(self) -> list[_Question]:
        """Some tokens of all replies under way; the questions that are answered now. Runs in the thread."""
        if self._generator is None:
            ends = [[token] for token in self._tokenizer.eos_token_ids]
            generate: Any = extra("mlx_lm.generate", "mlx", "MlxLLM")
            self._generator = generate.BatchGenerator(self._net, stop_tokens=ends, completion_batch_size=self._most)
        self._take_in()
        self._drop(number for number, reply in self._open.items() if reply.question.answer.done())
        finished: list[_Question] = []
        for _ in range(TOKENS_AT_A_TIME):
            made = self._generator.next_generated() if self._open else []
            for one in made:
                reply = self._open[one.uid]
                self._add(reply, one.token, one.finish_reason)
                if reply.ended is not None:
                    if one.finish_reason is None:
                        self._drop([one.uid])
                    else:
                        del self._open[one.uid]
                    if all(other.ended for other in reply.question.replies):
                        finished.append(reply.question)
            if not made or finished or self._waiting:
                break
        return finished

    def _take_in(self) -> None:
        while self._waiting:
            question = self._waiting.popleft()
            question.replies = [_Reply(question) for _ in range(question.n)]
            numbers = self._generator.insert(
                [list(question.prompt) for _ in question.replies],
                [question.longest] * question.n,
                samplers=[question.sampler] * question.n,
                logits_processors=[question.processors] * question.n,
            )
            self._open.update(zip(numbers, question.replies, strict=True))

    def _add(self, reply: _Reply, token: int, reason: str | None) -> None:
        """Take in the next token of a reply, which may be its last."""
        reply.made += 1
        reply.ended = reason
        if reason != "stop":
            reply.tokens.append(token)
        if reply.question.stops and reason != "stop":
            tail = self._tokenizer.decode(reply.tokens[-TAIL:])
            if any(stop in tail for stop in reply.question.stops):
                reply.ended = "stop"

    def _drop(self, numbers: Iterable[int]) -> None:
        """Compute no more of some replies."""
        if gone := list(numbers):
            self._generator.remove(gone)
            for number in gone:
                del self._open[number]

    def _generated(self, question: _Question) -> Generated:
        texts, made = [], 0
        for reply in question.replies:
            text = str(self._tokenizer.decode(reply.tokens, skip_special_tokens=True))
            ends = [at for stop in question.stops if (at := text.find(stop)) >= 0]
            texts.append(text[: min(ends)] if ends else text)
            made += reply.made
        return Generated(texts, [reply.ended for reply in question.replies], Usage(len(question.prompt), made))

    def _fail(self, error: LLMError) -> None:
        """Nothing under way can be finished; what comes next begins anew."""
        questions = {id(reply.question): reply.question for reply in self._open.values()}
        self._open, self._generator = {}, None
        for question in questions.values():
            if not question.answer.done():
                question.answer.set_exception(error)

    # ---- end
    async def close(self) -> None:
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        for question in (*self._waiting, *(reply.question for reply in self._open.values())):
            question.answer.cancel()
        await asyncio.to_thread(self._thread.shutdown)
        self._generator = self._net = None
