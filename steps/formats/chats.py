"""Training examples as chats: what rows hold is read, checked, and put together."""

from __future__ import annotations

import hashlib
from typing import Any

from steps.base import Row, is_missing, require_values
from steps.errors import RowError
from steps.llms.base import Chat, Message
from steps.wording import quoted

_NO_CHAT = "a chat is a list of messages like {'role': 'user', 'content': 'Hello'}"


def text_of(row: Row, column: str) -> str:
    """The text in a column.

    Raises:
        MissingValue, RowError: It holds nothing, or something else.
    """
    value = row.get(column)
    if isinstance(value, str):
        return value
    require_values(row, [column])
    raise RowError(f"column {column!r} holds a {type(value).__name__}, not text", "training needs texts")


def prompt_id(prompt: str) -> str:
    """An id that the same prompt gets in every data set."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def said(role: str, text: str) -> Message:
    return {"role": role, "content": text}


def question_of(row: Row) -> Chat:
    """The row's instruction, after its system prompt if it has one."""
    asked = said("user", text_of(row, "instruction"))
    system = row.get("system_prompt")
    if is_missing(system) or system == "":
        return [asked]
    return [said("system", text_of(row, "system_prompt")), asked]


def chat_of(row: Row, column: str = "messages") -> Chat:
    """The chat in a column: at least one message, each with a role.

    Raises:
        RowError: It holds something else.
    """
    chat = row[column]
    if not isinstance(chat, list) or not chat:
        raise RowError(f"column {column!r} holds {quoted(chat)}, not a chat", _NO_CHAT)
    for number, message in enumerate(chat, 1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RowError(f"message {number} of {column!r} has no role: {quoted(message)}", _NO_CHAT)
    return chat


def open_chat_of(row: Row) -> Chat:
    """The chat in `messages`, which the assistant has yet to answer."""
    chat = chat_of(row)
    if chat[-1]["role"] == "assistant":
        raise RowError(
            "the last message of 'messages' is the assistant's: nothing is left to answer", "name the chat before it"
        )
    return chat


def whole_chat_of(row: Row) -> Chat:
    """The chat in `messages`; `generation` is its last message where the assistant has yet to answer."""
    chat = chat_of(row)
    if chat[-1]["role"] == "assistant":
        return chat
    if "generation" not in row:
        raise RowError(
            f"the last message of 'messages' is from {chat[-1]['role']!r}, and there is no 'generation' to follow it",
            "the assistant must have the last word: answer the chats before this step",
        )
    return [*chat, said("assistant", text_of(row, "generation"))]


def first_question(chat: Chat) -> str:
    """What the user said first: the prompt that a chat is known by."""
    for message in chat:
        if message["role"] == "user":
            return content_text(message)
    raise RowError("no message of the chat is from the user", "training needs a prompt")


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
    raise RowError(f"a message from {message['role']!r} holds {quoted(content)}, not text", "training needs texts")


def _part_text(part: Any) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise RowError(f"a message holds a part of type {quoted(kind)}, not text", "this format holds texts alone")


def calls_of(message: Message) -> list[dict[str, Any]]:
    """The calls of tools in a message: each has a `function` with a name.

    Raises:
        RowError: One has none.
    """
    calls = message["tool_calls"] if isinstance(message["tool_calls"], list) else [message["tool_calls"]]
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise RowError(f"a tool call has no function with a name: {quoted(call)}", "see OpenAI's form of `tool_calls`")
    return calls


def as_supervised(row: Row, chat: Chat) -> Row:
    """The row with this chat and the answer in `generation`, for supervised fine-tuning."""
    prompt = first_question(chat)
    messages = [*chat, said("assistant", text_of(row, "generation"))]
    return {**row, "prompt": prompt, "prompt_id": prompt_id(prompt), "messages": messages}
