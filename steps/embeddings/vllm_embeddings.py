"""Embeddings by vLLM."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.embeddings.base import LocalEmbeddings, Vector, readable
from steps.errors import Complaint
from steps.extras import extra, without_extra
from steps.local import weights
from steps.local.failures import cannot_load
from steps.secrets import TRANSPORT, HubToken, reveal


class vLLMEmbeddings(LocalEmbeddings):
    """Turns texts into vectors by a model that the GPUs of this machine run.

    vLLM computes it, in this process. A text that is longer than the model can read is cut.

    Example:
        >>> vLLMEmbeddings(model="Qwen/Qwen3-Embedding-0.6B").default_pool
        'gpu'
    """

    default_pool: ClassVar[str] = "gpu"
    reaches: ClassVar[str] = "the Hub, for the weights"

    model: str = Field(min_length=1, description="Name on the Hub, or a folder.", examples=["Qwen/Qwen3-Embedding-0.6B"])
    dtype: str = Field(default="auto", description="Type of the weights: auto, float16, bfloat16, float32.")
    trust_remote_code: bool = Field(default=False, description="Run code that comes with the model.")
    quantization: str | None = Field(default=None, description="How the weights are quantized; empty for what the model says.")
    revision: str | None = Field(default=None, description="Branch, tag or commit of the model.")
    enforce_eager: bool = Field(
        default=True, description="Do without graphs, which take long to make.", json_schema_extra=TRANSPORT
    )
    seed: int = Field(default=0, description="Has no effect on vectors.")
    token: HubToken = None
    extra_kwargs: dict[str, Any] = Field(default_factory=dict, description="Further arguments of vLLM's engine.")

    _model: Any = PrivateAttr(default=None)

    def problems(self) -> Sequence[Complaint]:
        return without_extra("vllm", "vllm", type(self).__name__)

    def fingerprint(self) -> str:
        return weights.fingerprint(self.model)

    def load(self) -> None:
        if self._model is not None:
            return
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # in this process, so that it ends with it
        if token := reveal(self.token, "HF_TOKEN"):
            os.environ["HF_TOKEN"] = token
        library = extra("vllm", "vllm", "vLLMEmbeddings")
        given = {
            "dtype": self.dtype,
            "trust_remote_code": self.trust_remote_code,
            "quantization": self.quantization,
            "revision": self.revision,
            "enforce_eager": self.enforce_eager,
            "seed": self.seed,
        }
        try:
            self._model = library.LLM(model=self.model, runner="pooling", **given, **self.extra_kwargs)
        except Exception as error:
            raise cannot_load(self.model, error) from error

    def unload(self) -> None:
        self._model = None

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.load()
        made = self._model.embed(
            [readable(text) for text in texts], use_tqdm=False, tokenization_kwargs={"truncate_prompt_tokens": -1}
        )
        return [[float(number) for number in one.outputs.embedding] for one in made]
