"""Embeddings by the library sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from steps.embeddings.base import LocalEmbeddings, Vector, readable
from steps.errors import RunError
from steps.extras import extra
from steps.secrets import TRANSPORT, HubToken, reveal


class SentenceTransformerEmbeddings(LocalEmbeddings):
    """Turns texts into vectors by a sentence-transformers model, in this process.

    The model is loaded once per worker, from the Hub or from a folder. There is no precision int8: its scale would be that of
    the texts which happen to be embedded together.

    See Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks, https://arxiv.org/abs/1908.10084

    Example:
        >>> SentenceTransformerEmbeddings(model="sentence-transformers/all-MiniLM-L6-v2", truncate_dim=64).model_name
        'sentence-transformers/all-MiniLM-L6-v2'
    """

    reaches: ClassVar[str] = "the Hub, for the weights"

    model: str = Field(
        min_length=1, description="Name on the Hub, or a folder.", examples=["sentence-transformers/all-MiniLM-L6-v2"]
    )
    device: str | None = Field(
        default=None, description="cpu, cuda, cuda:1, mps, ...; empty for the best there is.", json_schema_extra=TRANSPORT
    )
    prompts: dict[str, str] | None = Field(default=None, description="What stands before a text, by its use.")
    default_prompt_name: str | None = Field(default=None, description="The prompt that is used.")
    trust_remote_code: bool = Field(default=False, description="Run code that comes with the model.")
    revision: str | None = Field(default=None, description="Branch, tag or commit of the model.")
    token: HubToken = None
    truncate_dim: int | None = Field(default=None, ge=1, description="Keep only so many numbers of each vector.")
    model_kwargs: dict[str, Any] | None = Field(default=None, description="Handed to the model as it is loaded.")
    tokenizer_kwargs: dict[str, Any] | None = Field(default=None, description="Handed to the tokenizer.")
    config_kwargs: dict[str, Any] | None = Field(default=None, description="Handed to the model's configuration.")
    precision: Literal["float32", "binary", "ubinary"] = Field(default="float32", description="Type of the numbers.")
    normalize_embeddings: bool = Field(default=True, description="Give every vector the length 1.")

    _model: Any = PrivateAttr(default=None)

    def load(self) -> None:
        if self._model is not None:
            return
        library = extra("sentence_transformers", "sentence-transformers", "this model")
        try:
            self._model = library.SentenceTransformer(
                self.model,
                device=self.device,
                prompts=self.prompts,
                default_prompt_name=self.default_prompt_name,
                trust_remote_code=self.trust_remote_code,
                revision=self.revision,
                token=reveal(self.token, "HF_TOKEN"),
                truncate_dim=self.truncate_dim,
                model_kwargs=self.model_kwargs,
                processor_kwargs=self.tokenizer_kwargs,
                config_kwargs=self.config_kwargs,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(
                f"the model {self.model!r} cannot be loaded: {error}", "check its name, the token, and the memory"
            ) from error

    def unload(self) -> None:
        self._model = None

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.load()
        made = self._model.encode(
            [readable(text) for text in texts],
            precision=self.precision,
            normalize_embeddings=self.normalize_embeddings,
            show_progress_bar=False,
            batch_size=max(1, len(texts)),
        )
        vectors: list[Vector] = made.tolist()
        return vectors
