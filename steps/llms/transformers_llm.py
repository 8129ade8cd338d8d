"""Models that the library transformers computes."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from steps.llms.local_llm import LocalLLM
from steps.local.engine import Engine
from steps.secrets import TRANSPORT, HubToken, reveal


class TransformersLLM(LocalLLM):
    """Asks a model of the Hub on this machine, by the library transformers.

    Rows that wait at the same time are computed together, up to `batch_size` of them. It takes almost every model of the Hub;
    vLLM is several times as fast where it knows the model. Replies cannot be held to a schema.

    See Transformers: State-of-the-Art Natural Language Processing, https://arxiv.org/abs/1910.03771

    Example:
        >>> TransformersLLM(model="HuggingFaceTB/SmolLM2-135M-Instruct", generation_kwargs={"temperature": 0.2}).default_pool
        'gpu'
    """

    package: ClassVar[str] = "transformers"

    model: str = Field(
        min_length=1, description="Name on the Hub, or a folder.", examples=["HuggingFaceTB/SmolLM2-135M-Instruct"]
    )
    revision: str = Field(default="main", description="Branch, tag or commit of the model.")
    torch_dtype: str = Field(default="auto", description="Type of the weights: auto, float32, float16, bfloat16.")
    trust_remote_code: bool = Field(default=False, description="Run code that comes with the model.")
    model_kwargs: dict[str, Any] | None = Field(default=None, description="Handed to the model as it is loaded.")
    tokenizer: str | None = Field(default=None, description="Another tokenizer: its name on the Hub, or a folder.")
    use_fast: bool = Field(default=True, description="Use the tokenizer that is written in Rust, if there is one.")
    chat_template: str | None = Field(default=None, description="Jinja template of chats; empty for the tokenizer's own.")
    device: str | int | None = Field(
        default=None,
        description="cpu, cuda:0, ...; empty for the step's GPU, or the CPU.",
        json_schema_extra=TRANSPORT,
    )
    device_map: str | dict[str, Any] | None = Field(
        default=None, description="Where the layers go, such as auto, in place of `device`.", json_schema_extra=TRANSPORT
    )
    token: HubToken = None
    batch_size: int = Field(default=16, ge=1, description="Most rows computed together.", json_schema_extra=TRANSPORT)
    max_concurrency: int = Field(
        default=64, ge=1, description="Most rows at work or waiting at a time, per replica.", json_schema_extra=TRANSPORT
    )

    async def start_engine(self) -> Engine:
        from steps.local.transformers_engine import TransformersEngine

        about = {
            "revision": self.revision,
            "trust_remote_code": self.trust_remote_code,
            "token": reveal(self.token, "HF_TOKEN"),
        }
        return await TransformersEngine.load(
            self.model,
            about,
            tokenizer=self.tokenizer or self.model,
            use_fast=self.use_fast,
            model_kwargs={"dtype": self.torch_dtype, **(self.model_kwargs or {})},
            chat_template=self.chat_template,
            device=self.device,
            device_map=self.device_map,
            batch_size=self.batch_size,
        )
