"""What the formats of whole chats share: where they find them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require
from steps.chats import said
from steps.formats.chats import question_of, whole_chat_of
from steps.llms.base import Chat
from steps.row_texts import text_in

Source = Literal["messages", "instruction"]
SOURCE = (
    "messages: chats; where the assistant has yet to answer one, `generation` is its answer. "
    "instruction: `instruction` and `generation`, and `system_prompt` if there is one."
)


class WholeChatFormat(Step):
    """Writes whole chats in another form: a subclass says which, in `write`."""

    group: ClassVar[Group] = "formats"
    optional_inputs: ClassVar[tuple[str, ...]] = ("generation", "system_prompt")

    source: Source = Field(default="messages", description=SOURCE)

    def needs(self) -> list[str]:
        return ["messages"] if self.source == "messages" else ["instruction", "generation"]

    def process(self, batch: Batch) -> Batch:
        return [{**row, **self.write(self._chat(row), row)} for row in batch]

    def write(self, chat: Chat, row: Row) -> Row:
        """The columns that are made of a chat whose last message is the assistant's."""
        raise NotImplementedError(f"{type(self).__name__}.write")

    def _chat(self, row: Row) -> Chat:
        require(row, self.needs())
        if self.source == "messages":
            return whole_chat_of(row)
        return [*question_of(row), said("assistant", text_in(row, "generation"))]
