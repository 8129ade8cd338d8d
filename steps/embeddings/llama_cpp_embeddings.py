"""Embeddings by llama.cpp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.components import LOCAL_FILES
from steps.embeddings.base import LocalEmbeddings, Vector, readable
from steps.errors import Complaint, RunError
from steps.extras import extra, without_extra
from steps.local import weights
from steps.local.failures import cannot_load
from steps.local.llama_cpp_engine import find_file
from steps.secrets import TRANSPORT, HubToken, reveal


class LlamaCppEmbeddings(LocalEmbeddings):
    """Turns texts into vectors by a model in a GGUF file.

    llama.cpp computes it, in this process; a GPU is used in the pool `gpu`. A text longer than `n_ctx` or `n_batch` is cut.

    Example:
        >>> LlamaCppEmbeddings(model="*Q8_0.gguf", repo_id="second-state/All-MiniLM-L6-v2-Embedding-GGUF").model_name
        '*Q8_0.gguf'
    """

    reaches: ClassVar[str] = "the Hub, for the weights"

    model: str = Field(
        min_length=1,
        description="GGUF file; with `repo_id` its name there, which may hold *.",
        examples=["all-MiniLM-L6-v2-Q8_0.gguf"],
        json_schema_extra=LOCAL_FILES,
    )
    model_path: str | None = Field(
        default=None,
        min_length=1,
        description="Folder with the file, if `model` is only its name.",
        json_schema_extra=LOCAL_FILES,
    )
    repo_id: str | None = Field(default=None, min_length=1, description="Repository on the Hub that has the file.")
    n_gpu_layers: int = Field(default=-1, description="Layers that the GPU computes; -1 for all.", json_schema_extra=TRANSPORT)
    n_ctx: int = Field(default=512, ge=1, description="Longest text, in tokens.")
    n_batch: int = Field(default=512, ge=1, description="Tokens read at a time.", json_schema_extra=TRANSPORT)
    seed: int = Field(default=4294967295, ge=0, description="Has no effect on vectors.")
    normalize_embeddings: bool = Field(default=False, description="Give every vector the length 1.")
    verbose: bool = Field(default=False, description="Write more to the log.", json_schema_extra=TRANSPORT)
    token: HubToken = None
    extra_kwargs: dict[str, Any] = Field(default_factory=dict, description="Further arguments of llama.cpp.")

    _model: Any = PrivateAttr(default=None)

    @property
    def model_name(self) -> str:
        return Path(self.model).name

    def problems(self) -> Sequence[Complaint]:
        return without_extra("llama_cpp", "llama-cpp", type(self).__name__)

    def fingerprint(self) -> str:
        return weights.fingerprint(str(self._path))

    @property
    def _path(self) -> Path:
        folder = Path(self.model_path) if self.model_path else Path()
        return folder if folder.suffix == ".gguf" else folder / self.model

    def load(self) -> None:
        if self._model is not None:
            return
        library = extra("llama_cpp", "llama-cpp", "LlamaCppEmbeddings")
        at_once = min(self.n_batch, self.n_ctx)  # a text is read at once, or cut
        how = {"n_gpu_layers": self.n_gpu_layers, "n_ctx": self.n_ctx, "n_batch": at_once, "n_ubatch": at_once}
        try:
            path = find_file(self.model if self.repo_id else str(self._path), self.repo_id, reveal(self.token, "HF_TOKEN"))
            self._model = library.Llama(path, embedding=True, seed=self.seed, verbose=self.verbose, **how, **self.extra_kwargs)
        except Exception as error:
            raise cannot_load(self.model, error) from error

    def unload(self) -> None:
        if self._model is not None:
            self._model.close()
        self._model = None

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.load()
        return [self._vector(text) for text in texts]  # one at a time: several share the context

    def _vector(self, text: str) -> Vector:
        found = self._model.embed(readable(text), normalize=False, truncate=True)
        vector = [float(number) for number in (_mean(found) if isinstance(found[0], list) else found)]
        length = math.hypot(*vector)
        if not math.isfinite(length):
            raise RunError(
                f"the model {self.model!r} gives no numbers for a text", "take a model that was trained for embeddings"
            )
        return [number / length for number in vector] if self.normalize_embeddings and length else vector


def _mean(of_tokens: list[Vector]) -> Vector:
    """One vector of those of the tokens, where the model does not say how they are put together."""
    return [sum(numbers) / len(of_tokens) for numbers in zip(*of_tokens, strict=True)]
