"""Models in GGUF files that llama.cpp computes."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from steps.components import LOCAL_FILES
from steps.errors import Complaint, RunError
from steps.llms.local_llm import LocalLLM, server_problems
from steps.local.engine import Engine
from steps.secrets import TRANSPORT, HubToken, reveal

NO_FILE = ("LlamaCppLLM names no model", "set model_path to a GGUF file, or repo_id to a repository that has one")
SERVER_VARIABLE = "DISTILFLOW_LLAMA_SERVER"
"""Names llama.cpp's own server where it is not `llama-server` on the path."""


class LlamaCppLLM(LocalLLM):
    """Asks a model in a GGUF file, by llama.cpp on this machine.

    It needs no GPU. Rows are computed one at a time in each replica. With `serve`, llama.cpp's server is started for the run,
    on a free port, and computes several rows at a time: `llama-server` where it is installed (or `$DISTILFLOW_LLAMA_SERVER`
    names it), else that of llama-cpp-python, which takes one at a time too. With `repo_id`, `model_path` is a file there.

    Example:
        >>> llm = LlamaCppLLM(model_path="models/tiny.gguf", n_ctx=8192)
        >>> llm.model_name
        'tiny.gguf'
    """

    package: ClassVar[str] = "llama_cpp"
    extra: ClassVar[str] = "llama-cpp"
    structures: ClassVar[frozenset[str]] = frozenset({"json", "choice"})

    model_path: str | None = Field(
        default=None,
        min_length=1,
        description="GGUF file, or with `repo_id` its name there, which may hold *.",
        json_schema_extra=LOCAL_FILES,
    )
    repo_id: str | None = Field(default=None, min_length=1, description="Repository on the Hub that has the file.")
    n_gpu_layers: int = Field(default=-1, description="Layers that the GPU computes; -1 for all.", json_schema_extra=TRANSPORT)
    chat_format: str | None = Field(default=None, description="How chats are written; empty for the file's own template.")
    n_ctx: int = Field(default=4096, ge=0, description="Most tokens of prompt and reply together; 0 for what the model can.")
    n_batch: int = Field(default=512, ge=1, description="Tokens of a prompt read at a time.", json_schema_extra=TRANSPORT)
    seed: int = Field(default=4294967295, ge=0, description="Of replies whose request has none; the default draws one.")
    verbose: bool = Field(default=False, description="Write more to the log.", json_schema_extra=TRANSPORT)
    serve: bool = Field(
        default=False,
        description="Run llama.cpp's server, as a process of its own that ends with the run.",
        json_schema_extra=TRANSPORT,
    )
    token: HubToken = None
    extra_kwargs: dict[str, Any] = Field(default_factory=dict, description="Further arguments of llama.cpp.")
    max_concurrency: int = Field(
        default=8, ge=1, description="Most rows at work or waiting at a time, per replica.", json_schema_extra=TRANSPORT
    )

    @property
    def model_name(self) -> str:
        return Path(self.model_path or self.repo_id or "llama.cpp").name

    @property
    def source(self) -> str:
        return "/".join(filter(None, (self.repo_id, self.model_path)))

    def problems(self) -> Sequence[Complaint]:
        served = server_problems(self.extra_kwargs) if self.serve else []
        return [*super().problems(), *([] if self.source else [NO_FILE]), *served]

    def missing_packages(self) -> Sequence[Complaint]:
        return () if self.serve and llama_server() else super().missing_packages()

    async def start_engine(self) -> Engine:
        from steps.local.llama_cpp_engine import LlamaCppEngine, find_file, start_llama_server

        if not self.source:
            raise RunError(*NO_FILE)
        token = reveal(self.token, "HF_TOKEN")
        path = await asyncio.to_thread(find_file, self.model_path or "*.gguf", self.repo_id, token)
        how: dict[str, Any] = {"n_gpu_layers": self.n_gpu_layers, "n_ctx": self.n_ctx, "n_batch": self.n_batch}
        if self.serve:
            return await start_llama_server(
                llama_server(), path, how, self.chat_format, self.max_concurrency, self.extra_kwargs
            )
        how |= {"chat_format": self.chat_format, "seed": self.seed, "verbose": self.verbose, **self.extra_kwargs}
        return await LlamaCppEngine.load(path, how)


def llama_server() -> str | None:
    """The program that is llama.cpp's own server, if there is one."""
    return os.environ.get(SERVER_VARIABLE) or shutil.which("llama-server")
