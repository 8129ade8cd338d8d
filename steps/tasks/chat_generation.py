"""Go on with a conversation."""

from __future__ import annotations

from typing import ClassVar

from steps.base import Row
from steps.llms.base import Chat
from steps.tasks.base import Task
from steps.tasks.chats import chat_in


class ChatGeneration(Task):
    """Answers the last message of each conversation.

    `messages` is a chat as in the OpenAI protocol and ends with a message of the user. It is sent as it is.

    Example:
        >>> row = {"messages": [{"role": "user", "content": "Say hi."}]}
        >>> ChatGeneration().format_output("Hi!", row)
        {'generation': 'Hi!'}
    """

    inputs: ClassVar[tuple[str, ...]] = ("messages",)
    outputs: ClassVar[tuple[str, ...]] = ("generation",)

    def format_input(self, row: Row) -> Chat:
        return chat_in(row, "messages")

    def format_output(self, text: str, row: Row) -> Row:
        return {"generation": text}
