"""Chats of rows that a model is to go on with."""

from __future__ import annotations

from steps.base import Row
from steps.chats import NO_CHAT, messages_in
from steps.errors import RowError
from steps.llms.base import Chat, Message
from steps.wording import quoted


def chat_in(row: Row, column: str) -> Chat:
    """The chat in a column, with somebody waiting for an answer at its end.

    Keys of messages that hold None are left out: tables add them where another message has more keys.

    Raises:
        MissingKey, MissingValue, RowError: There is none.
    """
    chat = [_sendable(message, f"message {number} of {column!r}") for number, message in enumerate(messages_in(row, column), 1)]
    if (last := chat[-1]["role"]) not in ("user", "tool"):
        what = f"the last message of {column!r} is from {quoted(last)}: nobody waits for an answer"
        raise RowError(what, "let the chat end with a message of the user")
    return chat


def _sendable(message: Message, where: str) -> Message:
    kept = {key: value for key, value in message.items() if value is not None}
    content = kept.get("content")
    if not isinstance(content, (str, list)) and not (content is None and "tool_calls" in kept):
        raise RowError(f"{where} has the content {quoted(content)}, not text", NO_CHAT)
    return kept
