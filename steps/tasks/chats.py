"""Conversations that rows bring with them."""

from __future__ import annotations

from typing import Any

from steps.base import Row, require_values
from steps.errors import RowError
from steps.llms.base import Chat, Message
from steps.wording import quoted

_FIX = 'conversations are lists of {"role": ..., "content": ...}, as in the OpenAI protocol'


def chat_in(row: Row, column: str) -> Chat:
    """The conversation in a column, with somebody waiting for an answer at its end.

    Keys of messages that hold None are left out: tables add them where another message has more keys.

    Raises:
        MissingKey, MissingValue, RowError: There is none.
    """
    require_values(row, [column])
    messages = row[column]
    if not isinstance(messages, list) or not messages:
        raise RowError(f"column {column!r} holds {quoted(messages)}, not a conversation", _FIX)
    chat = [_message(message, f"message {number} of {column!r}") for number, message in enumerate(messages, 1)]
    if (last := chat[-1]["role"]) not in ("user", "tool"):
        what = f"the last message of {column!r} is from {quoted(last)}: nobody waits for an answer"
        raise RowError(what, "let the conversation end with a message of the user")
    return chat


def _message(message: Any, where: str) -> Message:
    if not isinstance(message, dict):
        raise RowError(f"{where} is {quoted(message)}, not a message", _FIX)
    kept = {key: value for key, value in message.items() if value is not None}
    if not isinstance(kept.get("role"), str):
        raise RowError(f"{where} does not say whose it is: its role is {quoted(message.get('role'))}", _FIX)
    content = kept.get("content")
    if not isinstance(content, (str, list)) and not (content is None and "tool_calls" in kept):
        raise RowError(f"{where} has the content {quoted(content)}, not text", _FIX)
    return kept
