"""Chats as OpenAI fine-tunes models on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from steps.base import Row, is_missing
from steps.chats import said
from steps.errors import RowError
from steps.formats.chats import calls_of
from steps.formats.whole_chats import WholeChatFormat
from steps.json_texts import text_or_json
from steps.llms.base import Chat, Message
from steps.wording import quoted

_FIELDS = {
    "system": ("content", "name"),
    "user": ("content", "name"),
    "assistant": ("content", "refusal", "name", "weight", "tool_calls"),
    "tool": ("content", "tool_call_id"),
}
"""What a message of each role may hold beside the role."""
_PARTS = {"user": ("text", "image_url"), "assistant": ("text", "refusal")}
"""Kinds of parts that a content may have, where it is not text alone. A part holds its value under the name of its kind."""
_SEE = "see https://platform.openai.com/docs/guides/supervised-fine-tuning"


class FormatOpenAIChat(WholeChatFormat):
    """Writes chats in `messages` exactly as OpenAI's fine-tuning reads them.

    A message keeps what the format has (content, name, weight, calls of tools and their ids) and loses all else, also fields
    without a value. `developer` becomes `system`. Chats that OpenAI would refuse are refused here: those that end without an
    answer, and replies of tools that nobody called. A file for the upload holds `messages`, and `tools` if there are any:
    keep these columns and write JSON lines.

    Format: https://platform.openai.com/docs/guides/supervised-fine-tuning

    Example:
        >>> chat = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4", "model": "x"}]
        >>> [row] = FormatOpenAIChat(system_prompt="Be brief.").process([{"messages": chat}])
        >>> row["messages"][0], row["messages"][-1]
        ({'role': 'system', 'content': 'Be brief.'}, {'role': 'assistant', 'content': '4'})
    """

    outputs: ClassVar[tuple[str, ...]] = ("messages",)

    system_prompt: str | None = Field(
        default=None, description="First message of chats that have no system message.", json_schema_extra={"multiline": True}
    )

    def write(self, chat: Chat, row: Row) -> Row:
        messages = [_message(number, message) for number, message in enumerate(chat, 1)]
        _check_calls(messages)
        if self.system_prompt and all(message["role"] != "system" for message in messages):
            messages.insert(0, said("system", self.system_prompt))
        return {"messages": messages}


def _message(number: int, message: Message) -> Message:
    role = "system" if message["role"] == "developer" else message["role"]
    if role not in _FIELDS:
        raise RowError(
            f"message {number} is from {quoted(role)}, a role that OpenAI does not know", f"roles: {', '.join(_FIELDS)}"
        )
    given = {name: message[name] for name in _FIELDS[role] if not is_missing(message.get(name)) and message[name] != []}
    if "content" in given:
        given["content"] = _content(number, role, given["content"])
    elif not given.keys() & {"tool_calls", "refusal"}:
        raise RowError(f"message {number} has no content: {quoted(message.get('content'))}", "drop the row, or fill it")
    if "tool_calls" in given:
        given["tool_calls"] = list(_calls(number, given))
    if "weight" in given:
        if given["weight"] not in (0, 1):
            raise RowError(f"message {number} has the weight {quoted(given['weight'])}", "OpenAI knows 0 and 1")
        given["weight"] = int(given["weight"])
    if role == "tool" and not isinstance(given.get("tool_call_id"), str):
        raise RowError(f"message {number} is from 'tool' and has no 'tool_call_id'", "it says which call it replies to")
    return {"role": role, **given}


def _content(number: int, role: str, content: Any) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RowError(f"message {number} holds {quoted(content)}, neither text nor a list of parts", _SEE)
    return [_part(number, role, part) for part in content]


def _part(number: int, role: str, part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in _PARTS.get(role, ("text",)) or is_missing(part.get(kind)):
        raise RowError(f"message {number}, from {role!r}, holds a part that OpenAI does not take: {quoted(part)}", _SEE)
    value = part[kind]
    if isinstance(value, dict):
        value = {name: inner for name, inner in value.items() if not is_missing(inner)}
    return {"type": kind, kind: value}


def _calls(number: int, message: Message) -> Iterator[dict[str, Any]]:
    for call in calls_of(message):
        if not isinstance(call.get("id"), str):
            raise RowError(f"message {number} calls a tool without an id: {quoted(call)}", "the tool's reply has to name it")
        function = call["function"]
        given = function.get("arguments")
        arguments = text_or_json({} if given is None else given)
        yield {"id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _check_calls(messages: list[Message]) -> None:
    """Each call of a tool is answered before anybody else speaks, except at the end, and nothing else is."""
    open_ids: set[str] = set()
    for number, message in enumerate(messages, 1):
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                raise RowError(f"message {number} replies to a call that nobody made: {quoted(message['tool_call_id'])}", _SEE)
            open_ids.discard(message["tool_call_id"])
            continue
        if open_ids:
            raise RowError(f"message {number} comes before the replies to the calls {sorted(open_ids)}", "drop the row")
        open_ids = {call["id"] for call in message.get("tool_calls", [])}
