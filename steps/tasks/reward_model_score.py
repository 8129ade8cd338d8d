"""Score responses with a reward model."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Batch, Row, is_missing
from steps.chats import content_text, messages_in, said
from steps.errors import RowError, RunError
from steps.extras import extra
from steps.llms.base import Chat
from steps.row_texts import text_in
from steps.secrets import TRANSPORT, HubToken, reveal
from steps.tasks.local_judge import LocalJudge


class RewardModelScore(LocalJudge):
    """Scores each response with a reward model that runs in this process.

    The model is one of transformers for sequence classification, such as those that RewardBench ranks. It reads `conversation`,
    a list of messages, where a row has one, else `instruction` and `response`; a higher `score` is better. Scores of different
    models cannot be compared.

    See RewardBench: Evaluating Reward Models for Language Modeling, https://arxiv.org/abs/2403.13787

    Example:
        >>> RewardModelScore(model="acme/reward").makes()
        ['score']
    """

    optional_inputs: ClassVar[tuple[str, ...]] = ("instruction", "response", "conversation")
    outputs: ClassVar[tuple[str, ...]] = ("score",)

    model: str = Field(
        min_length=1, description="Name on the Hub, or a folder.", examples=["Skywork/Skywork-Reward-V2-Qwen3-0.6B"]
    )
    revision: str = Field(default="main", description="Branch, tag or commit of the model.")
    torch_dtype: str = Field(default="auto", description="Type of the weights: auto, float32, float16, bfloat16.")
    trust_remote_code: bool = Field(default=False, description="Run code that comes with the model.")
    device_map: str | dict[str, Any] | None = Field(
        default=None, description="Where the layers go, such as auto or cuda:0; empty for the CPU.", json_schema_extra=TRANSPORT
    )
    token: HubToken = None
    truncation: bool = Field(default=False, description="Cut what is longer than the model can read, instead of refusing it.")
    max_length: int | None = Field(default=None, ge=1, description="Most tokens; empty for what the model can read.")

    _tokenizer: Any = PrivateAttr(default=None)

    def load_model(self) -> Any:
        transformers = extra("transformers", "transformers", "a reward model")
        about = {
            "revision": self.revision,
            "trust_remote_code": self.trust_remote_code,
            "token": reveal(self.token, "HF_TOKEN"),
        }
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(self.model, **about)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                self.model, dtype=self.torch_dtype, device_map=self.device_map, num_labels=1, **about
            ).eval()
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(
                f"the model {self.model!r} cannot be loaded: {error}", "check its name, the token, and the memory"
            ) from error
        if self._tokenizer.chat_template is None:
            raise RunError(f"the model {self.model!r} has no chat template", "take one that was trained on chats")
        return model

    def unload(self) -> None:
        super().unload()
        self._tokenizer = None

    def process(self, batch: Batch) -> Batch:
        # one at a time: padding to the longest of a batch would make the score depend on the other rows
        return [{**row, "score": score} for row in batch for score in self.numbers_for(_chat(row))]

    def rehearse(self, shown: Chat, rng: Random) -> list[float]:
        return [rng.random()]

    def judge(self, shown: Chat) -> list[float]:
        """The score of a chat."""
        self.load()
        import torch

        tokens = self._tokenizer.apply_chat_template(shown, return_dict=True, return_tensors="pt")
        longest = self.max_length or getattr(self._model.config, "max_position_embeddings", None)
        length = tokens["input_ids"].shape[-1]
        if longest is not None and length > longest:
            if not self.truncation:
                what = f"the chat has {length} tokens; at most {longest} are read"
                raise RowError(what, "set `truncation`, or shorten the row (TruncateTextColumn)")
            tokens = {name: value[:, :longest] for name, value in tokens.items()}
        with torch.no_grad():
            scores = self._model(**{name: value.to(self._model.device) for name, value in tokens.items()}).logits
        return [float(scores[0, 0])]


def _chat(row: Row) -> Chat:
    if not is_missing(row.get("conversation")):
        chat = messages_in(row, "conversation")
        for message in chat:
            if not message.get("tool_calls"):
                content_text(message)  # a template would write None as a word
        return chat
    for column in ("instruction", "response"):
        if is_missing(row.get(column)):
            raise RowError(
                f"this row has neither `conversation` nor `{column}`", "name the columns in `input_mappings`, or drop the row"
            )
    return [said("user", text_in(row, "instruction")), said("assistant", text_in(row, "response"))]
