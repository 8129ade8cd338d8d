"""The library transformers at work: rows that wait together are computed together, padded on the left."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import Any, Self

import orjson

from steps.errors import BadRequest, ContextTooLong, RunError
from steps.extras import extra
from steps.llms.base import Usage
from steps.local.engine import LONGEST_REPLY, Asked, Generated
from steps.local.failures import NO_TEMPLATE, out_of_memory, said_by
from steps.local.in_turn import Answered, InTurn

_NAMES = {"max_tokens": "max_new_tokens", "max_completion_tokens": "max_new_tokens"}


class TransformersEngine(InTurn):
    """A causal language model and its tokenizer."""

    def __init__(self, name: str, model: Any, tokenizer: Any, torch: Any, batch_size: int) -> None:
        super().__init__(name, batch_size)
        self._net = model
        self._tokenizer = tokenizer
        self._torch = torch
        self._longest = getattr(model.config, "max_position_embeddings", None)

    @classmethod
    async def load(cls, name: str, about: dict[str, Any], **how: Any) -> Self:
        return await asyncio.to_thread(cls._load, name, about, **how)

    @classmethod
    def _load(
        cls,
        name: str,
        about: dict[str, Any],
        *,
        tokenizer: str,
        use_fast: bool,
        model_kwargs: dict[str, Any],
        chat_template: str | None,
        device: str | int | None,
        device_map: str | dict[str, Any] | None,
        batch_size: int,
    ) -> Self:
        torch = extra("torch", "transformers", "TransformersLLM")
        transformers = extra("transformers", "transformers", "TransformersLLM")
        reader = transformers.AutoTokenizer.from_pretrained(tokenizer, use_fast=use_fast, padding_side="left", **about)
        if chat_template is not None:
            reader.chat_template = chat_template
        if reader.chat_template is None:
            raise RunError(f"the model {name!r} cannot be asked: {NO_TEMPLATE[0]}", NO_TEMPLATE[1])
        if reader.pad_token is None:
            reader.pad_token = reader.eos_token
        where = {"device_map": device_map} if device_map is not None else {}
        model = transformers.AutoModelForCausalLM.from_pretrained(name, **about, **where, **model_kwargs).eval()
        if device_map is None:
            model.to(device if device is not None else "cuda" if torch.cuda.is_available() else "cpu")
        return cls(name, model, reader, torch, batch_size)

    def goes_with(self, asked: Asked) -> Hashable:
        """Questions with the same sampling; one with a seed is answered alone, since others would change what it draws."""
        if asked.sampling.get("seed") is not None:
            return None
        return asked.n > 1, orjson.dumps(asked.sampling, option=orjson.OPT_SORT_KEYS, default=str)

    def compute(self, batch: Sequence[Asked]) -> Sequence[Answered]:
        try:
            return self._compute(batch)
        except self._torch.OutOfMemoryError as error:
            said = said_by(error)
            del error  # its traceback holds the tensors
        self._empty_cache()
        if len(batch) == 1:
            return [out_of_memory(self._model, said)]
        half = len(batch) // 2
        return [*self.compute(batch[:half]), *self.compute(batch[half:])]

    def _compute(self, batch: Sequence[Asked]) -> Sequence[Answered]:
        sampling = self._sampling(batch[0])
        texts = [self._text(asked) for asked in batch]
        lengths = [len(ids) for ids in self._tokenizer(texts, add_special_tokens=False)["input_ids"]]
        fits = [self._longest is None or length < self._longest for length in lengths]
        prompts = [text for text, asked, fit in zip(texts, batch, fits, strict=True) if fit for _ in range(asked.n)]
        made = iter(self._generate(prompts, sampling) if prompts else ())
        answers: list[Answered] = []
        for asked, length, fit in zip(batch, lengths, fits, strict=True):
            if not fit:
                what = f"the prompt has {length} tokens; {self._model!r} reads {self._longest} with its reply"
                answers.append(
                    ContextTooLong(what, "shorten the row (TruncateTextColumn), or take a model with a longer context")
                )
                continue
            mine = [next(made) for _ in range(asked.n)]
            answers.append(
                Generated(
                    [text for text, _, _ in mine], [why for _, why, _ in mine], Usage(length, sum(count for *_, count in mine))
                )
            )
        return answers

    def _text(self, asked: Asked) -> str:
        if asked.prompt is not None:
            return f"{self._tokenizer.bos_token or ''}{asked.prompt}"
        more = asked.sampling.get("chat_template_kwargs", {})
        return str(self._tokenizer.apply_chat_template(asked.chat, add_generation_prompt=True, tokenize=False, **more))

    def _sampling(self, asked: Asked) -> dict[str, Any]:
        given = {_NAMES.get(name, name): value for name, value in asked.sampling.items() if value is not None}
        given.pop("chat_template_kwargs", None)
        if (seed := given.pop("seed", None)) is not None:
            self._torch.manual_seed(seed + asked.have)
        if (stop := given.pop("stop", None)) or given.get("stop_strings"):
            given["stop_strings"] = [stop] if isinstance(stop, str) else stop or given["stop_strings"]
            given["tokenizer"] = self._tokenizer
        if "temperature" in given and not given["temperature"]:
            del given["temperature"]
            given.setdefault("do_sample", False)
        elif {"temperature", "top_p", "top_k", "min_p"} & given.keys() or asked.n > 1:
            given.setdefault("do_sample", True)
        given.setdefault("max_new_tokens", LONGEST_REPLY)
        return given

    def _generate(self, prompts: list[str], sampling: dict[str, Any]) -> list[tuple[str, str, int]]:
        """For each prompt the text that follows, why it ended, and its tokens."""
        tokens = self._tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(self._net.device)
        tokens.pop("token_type_ids", None)
        longest = tokens["input_ids"].shape[1]
        if self._longest is not None:
            sampling = {**sampling, "max_new_tokens": min(sampling["max_new_tokens"], self._longest - longest)}
        try:
            with self._torch.inference_mode():
                out = self._net.generate(**tokens, **sampling, pad_token_id=self._tokenizer.pad_token_id)
        except (ValueError, TypeError) as error:
            raise BadRequest(
                f"transformers does not take this request: {str(error)[:300]}", "check generation_kwargs"
            ) from error
        return [self._read(row[longest:], sampling) for row in out]

    def _read(self, row: Any, sampling: dict[str, Any]) -> tuple[str, str, int]:
        ids = row.tolist()
        ends = self._net.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        end = next((at for at, token in enumerate(ids) if token in ends), None)
        if end is not None:  # what follows is padding
            ids = ids[: end + 1]
        text = str(self._tokenizer.decode(ids, skip_special_tokens=True))
        stops = [at for stop in sampling.get("stop_strings", ()) if (at := text.find(stop)) >= 0]
        if stops:
            return text[: min(stops)], "stop", len(ids)
        return text, "length" if end is None else "stop", len(ids)

    def _empty_cache(self) -> None:
        if self._torch.cuda.is_available():
            self._torch.cuda.empty_cache()

    def release(self) -> None:
        self._net = None
        self._empty_cache()
