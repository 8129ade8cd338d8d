"""vLLM in this process: its async engine computes all questions under way together, new ones as they come."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path
from typing import Any

from steps.errors import BadRequest, LLMError, RunError
from steps.extras import extra
from steps.llms.base import Usage
from steps.local.engine import Asked, Engine, Generated, Structure
from steps.local.failures import NO_TEMPLATE, cannot_answer, has_died

_NAMES = {"max_new_tokens": "max_tokens", "max_completion_tokens": "max_tokens"}
LORA = "adapter"
"""What the adapter of a model is called, where it needs a name."""
END_S = 5.0
"""How long vLLM's own processes may take to end; killed, they would leave shared memory behind."""


class VLLMEngine(Engine):
    """vLLM's AsyncLLM.

    Raises:
        RunError: A package is missing; other errors are vLLM's own.
    """

    def __init__(self, args: dict[str, Any], lora: str | None, chat_template: str | None) -> None:
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        self._vllm = extra("vllm", "vllm", "vLLM")
        params: Any = extra("vllm.sampling_params", "vllm", "vLLM")
        self._params, self._structured = params.SamplingParams, params.StructuredOutputsParams
        self._final = params.RequestOutputKind.FINAL_ONLY
        self._model = str(args["model"])
        self._template = chat_template
        self._numbers = itertools.count()
        self._lora: Any = None
        try:
            wanted = self._vllm.AsyncEngineArgs(**{"disable_log_stats": True, **args})
        except TypeError as error:
            raise RunError(f"vLLM does not take these arguments: {error}", "correct extra_kwargs of the LLM") from error
        if lora is not None:
            request: Any = extra("vllm.lora.request", "vllm", "vLLM")
            self._lora = request.LoRARequest(LORA, 1, _downloaded(lora))
        engine: Any = extra("vllm.v1.engine.async_llm", "vllm", "vLLM")
        self._engine = engine.AsyncLLM.from_engine_args(wanted)
        self._tokenizer = self._engine.get_tokenizer()
        self._missing_template: BadRequest | None = None
        if chat_template is None and not getattr(self._tokenizer, "chat_template", None):
            self._missing_template = BadRequest(f"{self._model!r} cannot be asked: {NO_TEMPLATE[0]}", NO_TEMPLATE[1])

    async def answer(self, asked: Asked) -> Generated:
        try:
            # with its type, vLLM takes it as it is; without, a thread looks at it first
            prompt = {"type": "token", "prompt_token_ids": self._tokens(asked)}
            params = self._sampling(asked)
            number = f"r{next(self._numbers)}"
            made = [one async for one in self._engine.generate(prompt, params, number, lora_request=self._lora)]
        except LLMError:
            raise
        except Exception as error:
            if self._engine.errored:
                raise has_died(self._model, None, str(error)) from error
            raise cannot_answer(self._model, error) from error
        last = made[-1]  # the only one, with all of it
        tokens = sum(len(one.token_ids) for one in last.outputs)
        usage = Usage(len(last.prompt_token_ids or ()), tokens, last.num_cached_tokens or 0)
        return Generated([one.text for one in last.outputs], [one.finish_reason for one in last.outputs], usage)

    def _tokens(self, asked: Asked) -> list[int]:
        if asked.prompt is not None:
            return list(self._tokenizer.encode(asked.prompt))
        if self._missing_template is not None:
            raise self._missing_template
        text = self._tokenizer.apply_chat_template(
            asked.chat,
            chat_template=self._template,
            add_generation_prompt=True,
            tokenize=False,
            **asked.sampling.get("chat_template_kwargs", {}),
        )
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _sampling(self, asked: Asked) -> Any:
        given = {_NAMES.get(name, name): value for name, value in asked.sampling.items() if value is not None}
        given.pop("chat_template_kwargs", None)
        given.setdefault("max_tokens", None)  # as long as the context allows
        if asked.have and isinstance(given.get("seed"), int):
            given["seed"] += asked.have
        if asked.structure is not None:
            given["structured_outputs"] = self._structure(asked.structure)
        try:
            params = self._params(**given, n=asked.n, output_kind=self._final)
        except TypeError as error:
            raise BadRequest(f"vLLM does not take these generation_kwargs: {error}", "correct generation_kwargs") from error
        if hasattr(params, "skip_clone"):
            params.skip_clone = True  # they are this question's alone
        return params

    def _structure(self, wanted: Structure) -> Any:
        if wanted.kind == "json" and wanted.wanted is None:
            return self._structured(json_object=True)
        return self._structured(**{wanted.kind: wanted.wanted})

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.shutdown, END_S)


def _downloaded(lora: str) -> str:
    """The folder of an adapter."""
    if Path(lora).is_dir():
        return lora
    hub: Any = extra("huggingface_hub", "vllm", "vLLM")
    return str(hub.snapshot_download(lora))
