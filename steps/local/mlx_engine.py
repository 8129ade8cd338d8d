"""MLX at work, one question at a time. It runs on Apple silicon alone, so no test here has run it with a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from steps.errors import BadRequest, RunError
from steps.extras import extra
from steps.llms.base import Usage
from steps.local.engine import LONGEST_REPLY, Asked, Generated
from steps.local.failures import NO_TEMPLATE
from steps.local.in_turn import Answered, InTurn

_SAMPLER = {"temperature": "temp", "top_p": "top_p", "min_p": "min_p", "top_k": "top_k"}
_PENALTIES = ("repetition_penalty", "presence_penalty", "frequency_penalty")


class MlxEngine(InTurn):
    """A model of mlx_lm and its tokenizer."""

    def __init__(self, name: str, library: Any, model: Any, tokenizer: Any) -> None:
        super().__init__(name)
        self._library = library
        self._net = model
        self._tokenizer = tokenizer

    @classmethod
    async def load(cls, name: str, tokenizer_config: dict[str, Any], model_config: dict[str, Any], adapter: str | None) -> Self:
        library = extra("mlx_lm", "mlx", "MlxLLM")
        how = {"tokenizer_config": tokenizer_config, "model_config": model_config, "adapter_path": adapter}
        model, tokenizer = await asyncio.to_thread(library.load, name, **how)
        if tokenizer.chat_template is None:
            raise RunError(f"the model {name!r} cannot be asked: {NO_TEMPLATE[0]}", "take a model that was trained on chats")
        return cls(name, library, model, tokenizer)

    def compute(self, batch: Sequence[Asked]) -> Sequence[Answered]:
        return [self._one(asked) for asked in batch]

    def _one(self, asked: Asked) -> Generated:
        how = self.how(asked)
        prompt = asked.prompt
        if prompt is None:
            prompt = self._tokenizer.apply_chat_template(asked.chat, add_generation_prompt=True)
        texts, reasons, usage = [], [], Usage()
        for at in range(asked.n):
            parts, last = [], None
            for last in self._library.stream_generate(self._net, self._tokenizer, prompt, **how):
                parts.append(last.text)
            if last is not None:
                usage = usage + Usage(last.prompt_tokens if at == 0 else 0, last.generation_tokens)
            texts.append("".join(parts))
            reasons.append(last.finish_reason if last is not None else None)
        return Generated(texts, reasons, usage)

    def how(self, asked: Asked) -> dict[str, Any]:
        """What `stream_generate` is told.

        Raises:
            BadRequest: It does not know what is asked for.
        """
        given = {name: value for name, value in asked.sampling.items() if value is not None}
        longest = given.pop("max_new_tokens", LONGEST_REPLY)
        sampler = {theirs: given.pop(ours) for ours, theirs in _SAMPLER.items() if ours in given}
        penalties = {name: given.pop(name) for name in _PENALTIES if name in given}
        if given:
            what = f"MlxLLM does not know {', '.join(sorted(given))} of generation_kwargs"
            raise BadRequest(what, f"leave it out; it takes max_new_tokens, {', '.join([*_SAMPLER, *_PENALTIES])}")
        utils: Any = extra("mlx_lm.sample_utils", "mlx", "MlxLLM")
        how = {"max_tokens": longest, "sampler": utils.make_sampler(**sampler)}
        return {**how, "logits_processors": utils.make_logits_processors(**penalties)} if penalties else how
