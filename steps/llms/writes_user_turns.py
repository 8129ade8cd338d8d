"""What models share that can write what a user would say, for Magpie: parameters that say how its chats are written."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from steps.llms.base import LLM
from steps.llms.user_turns import ChatFormat, cannot_hold_chats, chat_format
from steps.secrets import LATER


class WritesUserTurns(LLM):
    """A model that takes a prompt in the format that it was trained on. It comes first among bases: forms show it last."""

    use_magpie_template: bool = Field(
        default=False,
        description="As pipelines of distilabel have it: needs a magpie_pre_query_template, which is enough by itself.",
        json_schema_extra=LATER,
    )
    magpie_pre_query_template: str | None = Field(
        default=None,
        min_length=1,
        description="For Magpie: llama3, qwen2, or the text that opens a user's message in the model's chat format, without a "
        "BOS token. A server must offer /v1/completions.",
        json_schema_extra={"examples": ["llama3", "qwen2"], **LATER},
    )
    magpie_end_of_turn: str | None = Field(
        default=None,
        min_length=1,
        description="Text that ends a message in a chat format of your own; known for llama3 and qwen2.",
        json_schema_extra=LATER,
    )

    @model_validator(mode="after")
    def _know_how_users_speak(self) -> Self:
        if self.use_magpie_template and self.magpie_pre_query_template is None:
            raise ValueError("use_magpie_template needs a magpie_pre_query_template: llama3, qwen2, or a text of your own")
        return self

    def user_turn_problem(self, *, after_messages: bool) -> tuple[str, str] | None:
        wanted = self._chat_format
        if wanted is None:
            what = f"nothing says how a user's message begins in the chat format of {self.model_name!r}"
            return what, "set magpie_pre_query_template of the LLM to llama3, qwen2, or a text of your own"
        if after_messages and (why := cannot_hold_chats(wanted)):
            return why, "set magpie_end_of_turn of the LLM, or ask for one turn without a system prompt"
        return None

    @property
    def _chat_format(self) -> ChatFormat | None:
        given = self.magpie_pre_query_template
        return None if given is None else chat_format(given, self.magpie_end_of_turn)
