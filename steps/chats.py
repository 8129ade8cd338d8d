"""Chats: lists of messages as in the OpenAI protocol, as rows hold them and as steps write them."""

from __future__ import annotations

from typing import Any

from steps.base import Row, require_values
from steps.errors import RowError
from steps.llms.base import Chat, Message
from steps.wording import quoted

NO_CHAT = "a chat is a list of messages like {'role': 'user', 'content': 'Hello'}"


def said(role: str, text: str) -> Message:
    return {"role": role, "content": text}


def user_asks(text: str, system: str | None = None) -> Chat:
    """A chat in which a user asks this, after the system prompt if there is one."""
    return [said("system", system), said("user", text)] if system else [said("user", text)]


def messages_in(row: Row, column: str) -> Chat:
    """The chat in a column: at least one message, each with a role.

    Raises:
        MissingKey, MissingValue, RowError: It holds something else.
    """
    chat = row.get(column)
    if not isinstance(chat, list) or not chat:
        require_values(row, [column])
        raise RowError(f"column {column!r} holds {quoted(chat)}, not a chat", NO_CHAT)
    for number, message in enumerate(chat, 1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RowError(f"message {number} of {column!r} has no role: {quoted(message)}", NO_CHAT)
    return chat


def content_text(message: Message) -> str:
    """The text of a message; that of parts, with line breaks between them.

    Raises:
        RowError: It has none, or more than text.
    """
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content:
        return "\n".join(_part_text(part) for part in content)
    raise RowError(f"a message from {message['role']!r} holds {quoted(content)}, not text", "name chats of texts")


def _part_text(part: Any) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise RowError(f"a message holds a part of type {quoted(kind)}, not text", "only texts can be read here")
