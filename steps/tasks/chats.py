"""Chats of rows that a model is to go on with."""

from __future__ import annotations

from typing import Any

from steps.base import Row
from steps.chats import NO_CHAT, messages_in
from steps.errors import RowError
from steps.images.files import data_address, kind_of
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
    if isinstance(content, list):
        kept["content"] = content = [_part(part, where) for part in content]
    if not isinstance(content, (str, list)) and not (content is None and "tool_calls" in kept):
        raise RowError(f"{where} has the content {quoted(content)}, not text", NO_CHAT)
    return kept


def _part(part: Any, where: str) -> Any:
    """A part of a message as OpenAI's protocol has it, from which other protocols make theirs.

    Images also come as Anthropic writes them, or themselves: bytes of a file, or what data sets of the Hub hold.
    """
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if value is not None}
    match kept:
        case {"type": "image", "source": {"type": "base64", "media_type": str(kind), "data": str(data)}}:
            url = f"data:{kind};base64,{data}"
        case {"type": "image", "source": {"type": "url", "url": str(address)}} | {"type": "image", "image": str(address)}:
            url = address
        case {"type": "image", "image": bytes(file) | {"bytes": bytes(file)}} if kind_of(file):
            url = data_address(file)
        case {"type": "image", **rest} if set(rest) & {"image", "source"}:
            held = quoted(rest.get("image", rest.get("source")))
            raise RowError(f"{where} has an image that is none: {held}", "give an address, or the bytes of a file")
        case _:
            return kept
    return {"type": "image_url", "image_url": {"url": url}}
