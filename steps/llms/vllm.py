"""Models that vLLM computes, in a process of the run or behind a server that the run starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from steps.errors import Complaint
from steps.llms.local_llm import LocalLLM, server_problems
from steps.local.engine import Engine
from steps.secrets import TRANSPORT, HubToken, reveal

PYTHON_VARIABLE = "DISTILFLOW_VLLM_PYTHON"
"""Names the Python that has vLLM, where it is not this one: its packages need other versions of some than others do."""


class vLLM(LocalLLM):
    """Asks a model that the GPUs of this machine run, many rows at a time.

    vLLM computes it. Rows of all batches are computed together as they come, so no GPU is idle between two batches. Steps that
    name the same model share it. With `serve`, vLLM's own server is started for the run, on a free port; a Python of its own
    can be named for it in `$DISTILFLOW_VLLM_PYTHON`. Without a GPU it takes vLLM's build for CPUs, and the pool `process`.

    See Efficient Memory Management for Large Language Model Serving with PagedAttention, https://arxiv.org/abs/2309.06180

    Example:
        >>> llm = vLLM(model="Qwen/Qwen3-8B", max_model_len=8192, generation_kwargs={"max_new_tokens": 512})
        >>> llm.model_name, llm.default_pool
        ('Qwen/Qwen3-8B', 'gpu')
    """

    needs_gpu: ClassVar[bool] = True
    package: ClassVar[str] = "vllm"
    structures: ClassVar[frozenset[str]] = frozenset({"json", "regex", "choice"})

    model: str = Field(min_length=1, description="Name on the Hub, or a folder.", examples=["Qwen/Qwen3-8B"])
    dtype: str = Field(default="auto", description="Type of the weights: auto, float16, bfloat16, float32.")
    trust_remote_code: bool = Field(default=False, description="Run code that comes with the model.")
    quantization: str | None = Field(default=None, description="How the weights are quantized; empty for what the model says.")
    revision: str | None = Field(default=None, description="Branch, tag or commit of the model.")
    tokenizer: str | None = Field(default=None, description="Another tokenizer: its name on the Hub, or a folder.")
    tokenizer_mode: str = Field(default="auto", description="Which kind of tokenizer is used: auto, slow, mistral.")
    tokenizer_revision: str | None = Field(default=None, description="Branch, tag or commit of the tokenizer.")
    chat_template: str | None = Field(default=None, description="Jinja template of chats; empty for the tokenizer's own.")
    seed: int = Field(default=0, description="Of replies whose request has no seed of its own.")
    max_model_len: int | None = Field(default=None, ge=1, description="Longest prompt and reply together, in tokens.")
    lora: str | None = Field(default=None, min_length=1, description="Adapter that is used: its name on the Hub, or a folder.")
    tensor_parallel_size: int | None = Field(
        default=None, ge=1, description="GPUs that share a model. Empty: all that the step gets.", json_schema_extra=TRANSPORT
    )
    gpu_memory_utilization: float | None = Field(
        default=None, gt=0, le=1, description="Share of the GPU's memory that is used.", json_schema_extra=TRANSPORT
    )
    enable_prefix_caching: bool | None = Field(
        default=None, description="Compute a beginning that prompts share once.", json_schema_extra=TRANSPORT
    )
    serve: bool = Field(
        default=False,
        description="Run vLLM's own server, as a process of its own that ends with the run.",
        json_schema_extra=TRANSPORT,
    )
    token: HubToken = None
    extra_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Further arguments of vLLM's engine.", examples=[{"enforce_eager": True}]
    )
    max_concurrency: int = Field(
        default=256, ge=1, description="Most rows at work at a time, per replica.", json_schema_extra=TRANSPORT
    )

    def missing_packages(self) -> Sequence[Complaint]:
        return () if self.serve and os.environ.get(PYTHON_VARIABLE) else super().missing_packages()

    def problems(self) -> Sequence[Complaint]:
        return [*super().problems(), *(server_problems(self.extra_kwargs) if self.serve else [])]

    def engine_args(self, devices: int) -> dict[str, Any]:
        """Arguments of vLLM's engine, as its `EngineArgs` call them."""
        given: dict[str, Any] = {
            "model": self.model,
            "dtype": self.dtype,
            "trust_remote_code": self.trust_remote_code,
            "quantization": self.quantization,
            "revision": self.revision,
            "tokenizer": self.tokenizer,
            "tokenizer_mode": self.tokenizer_mode,
            "tokenizer_revision": self.tokenizer_revision,
            "seed": self.seed,
            "max_model_len": self.max_model_len,
            "tensor_parallel_size": self.tensor_parallel_size or max(1, devices),
            "gpu_memory_utilization": self.gpu_memory_utilization,
            "enable_prefix_caching": self.enable_prefix_caching,
            "enable_lora": True if self.lora else None,
        }
        return {**{name: value for name, value in given.items() if value is not None}, **self.extra_kwargs}

    async def start_engine(self) -> Engine:
        args = self.engine_args(len(visible_devices()))
        if token := reveal(self.token, "HF_TOKEN"):
            os.environ["HF_TOKEN"] = token  # read by what downloads the weights, in processes of vLLM's own too
        if self.serve:
            from steps.local.vllm_server import start_server

            return await start_server(args, self.lora, self.chat_template)
        from steps.local.vllm_engine import VLLMEngine

        return VLLMEngine(args, self.lora, self.chat_template)


def visible_devices() -> list[str]:
    """The GPUs that this process was given."""
    return [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
