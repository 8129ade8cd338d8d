"""Chats as LLaMA-Factory and many data sets hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from steps.base import Row, is_missing
from steps.chats import content_text
from steps.errors import RowError
from steps.formats.chats import calls_of
from steps.formats.whole_chats import WholeChatFormat
from steps.json_texts import json_in, json_of
from steps.llms.base import Chat, Message
from steps.wording import quoted

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "human",
    "assistant": "gpt",
    "tool": "observation",
    "function": "observation",
}
_ASKS = ("human", "observation")


class FormatShareGPT(WholeChatFormat):
    """Writes chats as ShareGPT conversations: lists of `from` and `value`.

    System, user and assistant become `system`, `human` and `gpt`. What an assistant calls is a `function_call` in JSON (a
    list, if it calls several), what tools reply is one `observation`. Trainers silently leave out conversations in which
    question and answer do not alternate, so such a row is refused. LLaMA-Factory reads the result as it is; Axolotl reads it
    as `chat_template` with `message_property_mappings: {role: from, content: value}`.

    Format: https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md

    Example:
        >>> chat = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
        >>> [row] = FormatShareGPT().process([{"messages": chat}])
        >>> row["conversations"]
        [{'from': 'human', 'value': '2+2?'}, {'from': 'gpt', 'value': '4'}]
    """

    outputs: ClassVar[tuple[str, ...]] = ("conversations",)

    def write(self, chat: Chat, row: Row) -> Row:
        turns = list(_turns(chat))
        is_answer = False
        for at, turn in enumerate(turns):
            if turn["from"] == "system":
                if at:
                    raise RowError("a system message stands inside the chat", "ShareGPT has it first or not at all")
                continue
            if (turn["from"] not in _ASKS) is not is_answer:
                raise RowError(
                    f"message {at + 1} is from {turn['from']!r}, where {'an answer' if is_answer else 'a question'} should be",
                    "join messages that follow one another, or drop the row: trainers would leave it out",
                )
            is_answer = not is_answer
        return {"conversations": turns}


def _turns(chat: Chat) -> Iterator[dict[str, str]]:
    observed: list[str] = []
    for message in chat:
        sender = _ROLES.get(message["role"])
        if sender is None:
            raise RowError(f"ShareGPT has no role {quoted(message['role'])}", f"roles are {', '.join(_ROLES)}")
        if sender == "observation":
            observed.append(content_text(message))
            continue
        if observed:
            yield {"from": "observation", "value": "\n".join(observed)}
            observed = []
        yield _call(message) if message.get("tool_calls") else {"from": sender, "value": content_text(message)}


def _call(message: Message) -> dict[str, str]:
    if not is_missing(message.get("content")) and message["content"] not in ("", []):
        raise RowError(
            "a message calls tools and says something besides", "ShareGPT has no place for both: drop one, or the row"
        )
    calls = [{"name": call["function"]["name"], "arguments": _arguments(call["function"])} for call in calls_of(message)]
    value = json_of(calls[0] if len(calls) == 1 else calls)
    return {"from": "function_call", "value": value}


def _arguments(function: dict[str, Any]) -> Any:
    """Arguments of a call as values: OpenAI writes them as text, TRL as they are."""
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            return json_in(arguments)
        except ValueError as error:
            raise RowError(f"the arguments of a tool call are not JSON: {error}", "drop the row") from error
    return {} if arguments is None else arguments
