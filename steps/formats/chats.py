"""Training examples as chats: what rows hold is read, checked, and put together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from steps.base import Batch, Row
from steps.chats import content_text, messages_in, said, user_asks
from steps.errors import RowError
from steps.llms.base import Chat, Message
from steps.row_texts import own_text, text_in, texts_in
from steps.wording import quoted


def prompt_id(prompt: str) -> str:
    """An id that the same prompt gets in every data set."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def questions_in(rows: Sequence[Row]) -> list[Chat]:
    """Each row's instruction, after its system prompt if it has one."""
    asked = zip(rows, texts_in(rows, "instruction"), strict=True)
    return [user_asks(text, own_text(row, "system_prompt")) for row, text in asked]


def question_of(row: Row) -> Chat:
    """The row's instruction, after its system prompt if it has one."""
    return questions_in([row])[0]


def open_chat_of(row: Row) -> Chat:
    """The chat in `messages`, which the assistant has yet to answer."""
    chat = messages_in(row, "messages")
    if chat[-1]["role"] == "assistant":
        raise RowError(
            "the last message of 'messages' is the assistant's: nothing is left to answer", "name the chat before it"
        )
    return chat


def whole_chat_of(row: Row) -> Chat:
    """The chat in `messages`; `generation` is its last message where the assistant has yet to answer."""
    chat = messages_in(row, "messages")
    if chat[-1]["role"] == "assistant":
        return chat
    if "generation" not in row:
        raise RowError(
            f"the last message of 'messages' is from {chat[-1]['role']!r}, and there is no 'generation' to follow it",
            "the assistant must have the last word: answer the chats before this step",
        )
    return [*chat, said("assistant", text_in(row, "generation"))]


def first_question(chat: Chat) -> str:
    """What the user said first: the prompt that a chat is known by."""
    for message in chat:
        if message["role"] == "user":
            return content_text(message)
    raise RowError("no message of the chat is from the user", "training needs a prompt")


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


def supervised(rows: Sequence[Row], chats: Iterable[Chat]) -> Batch:
    """Each row with its chat and the answer in `generation`, for supervised fine-tuning."""
    made = []
    for row, chat, answer in zip(rows, chats, texts_in(rows, "generation"), strict=True):
        prompt = first_question(chat)
        messages = [*chat, said("assistant", answer)]
        made.append({**row, "prompt": prompt, "prompt_id": prompt_id(prompt), "messages": messages})
    return made
