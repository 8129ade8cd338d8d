"""Instructions and answers in the columns of the Alpaca data."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Row
from steps.chats import content_text
from steps.errors import RowError
from steps.formats.whole_chats import SOURCE, Source, WholeChatFormat
from steps.llms.base import Chat, Message
from steps.row_texts import own_text
from steps.wording import quoted


class FormatAlpaca(WholeChatFormat):
    """Writes questions and answers as Alpaca does: instruction, input, output.

    `input` is that of the row, or empty. `system` holds the system prompt, or nothing; LLaMA-Factory and Axolotl's
    `alpaca_w_system` read it. A chat of several turns needs `history`, which LLaMA-Factory reads where it is told the column.

    Format: https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md

    Example:
        >>> [row] = FormatAlpaca().process([{"instruction": "Add up.", "input": "2, 2", "generation": "4"}])
        >>> row["instruction"], row["input"], row["output"], row["system"]
        ('Add up.', '2, 2', '4', '')
    """

    optional_inputs: ClassVar[tuple[str, ...]] = (*WholeChatFormat.optional_inputs, "input")

    source: Source = Field(default="instruction", description=SOURCE)
    history: bool = Field(
        default=False, description="Keep earlier turns in a column `history`; else chats of several turns are refused."
    )

    def makes(self) -> list[str]:
        return ["instruction", "input", "output", "system", *(["history"] if self.history else [])]

    def write(self, chat: Chat, row: Row) -> Row:
        system, turns = "", chat
        if chat[0]["role"] in ("system", "developer"):
            system, turns = content_text(chat[0]), chat[1:]
        pairs = _pairs(turns)
        if len(pairs) > 1 and not self.history:
            raise RowError(f"the chat has {len(pairs)} turns, Alpaca one", "set `history`, or write another format")
        (instruction, output), earlier = pairs[-1], pairs[:-1]
        found = own_text(row, "input") or ""
        made = {"instruction": instruction, "input": found, "output": output, "system": system}
        return {**made, "history": [list(pair) for pair in earlier]} if self.history else made


def _pairs(turns: list[Message]) -> list[tuple[str, str]]:
    """What the user asked and the assistant answered, in turn."""
    for at, message in enumerate(turns):
        expected = "assistant" if at % 2 else "user"
        if message["role"] != expected:
            raise RowError(f"a message is from {quoted(message['role'])} where the {expected}'s should be", "drop the row")
        if message.get("tool_calls"):
            raise RowError(
                "the assistant calls a tool, for which Alpaca has no place", "write the rows as ShareGPT or OpenAI chats"
            )
    texts = [content_text(message) for message in turns]
    return list(zip(texts[::2], texts[1::2], strict=True))
