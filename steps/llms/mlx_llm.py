"""Models that MLX computes on Apple silicon."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from steps.components import LOCAL_FILES
from steps.llms.local_llm import LocalLLM
from steps.local.engine import Engine
from steps.secrets import TRANSPORT


class MlxLLM(LocalLLM):
    """Asks a model that MLX runs on this Mac.

    It is made for Macs with Apple silicon. Rows of all batches are computed together as they come; replies cannot be held to a
    schema.

    Example:
        >>> MlxLLM(path_or_hf_repo="mlx-community/Qwen3-4B-4bit", generation_kwargs={"temperature": 0.7}).model_name
        'mlx-community/Qwen3-4B-4bit'
    """

    default_pool: ClassVar[str] = "process"
    package: ClassVar[str] = "mlx_lm"
    extra: ClassVar[str] = "mlx"

    path_or_hf_repo: str = Field(
        min_length=1,
        description="Name on the Hub, or a folder.",
        examples=["mlx-community/Qwen3-4B-4bit"],
        json_schema_extra=LOCAL_FILES,
    )
    tokenizer_config: dict[str, Any] = Field(default_factory=dict, description="Handed to the tokenizer.")
    mlx_model_config: dict[str, Any] = Field(default_factory=dict, description="Handed to the model as it is loaded.")
    adapter_path: str | None = Field(
        default=None, min_length=1, description="Folder of a LoRA adapter.", json_schema_extra=LOCAL_FILES
    )
    max_concurrency: int = Field(
        default=8, ge=1, description="Most rows computed at a time; each takes memory of its own.", json_schema_extra=TRANSPORT
    )

    @property
    def model_name(self) -> str:
        return self.path_or_hf_repo

    async def start_engine(self) -> Engine:
        from steps.local.mlx_engine import MlxEngine

        return await MlxEngine.load(
            self.path_or_hf_repo, self.tokenizer_config, self.mlx_model_config, self.adapter_path, self.max_concurrency
        )
