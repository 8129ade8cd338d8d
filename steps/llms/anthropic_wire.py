"""The Messages API of Anthropic: chats as it wants them, and what it answers."""

from __future__ import annotations

import re
from typing import Any

from steps.errors import BadRequest, ContentFiltered, EmptyReply
from steps.llms.base import Chat, Completion, JSONSchema, Usage
from steps.llms.chat_replies import LONGEST_NAME, count_of, object_of, something_else
from steps.llms.http import Answer
from steps.llms.json_schemas import NotStrict, strict_schema
from steps.llms.provider_errors import Target

_DATA = re.compile(r"data:(?P<type>[\w/+.-]+);base64,(?P<data>.*)", re.DOTALL)
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
"""Why a reply ended, by the names that OpenAI has for it."""


def wire_chat(chat: Chat) -> dict[str, Any]:
    """The messages, and apart from them what the system says."""
    system = [text for message in chat if message.get("role") in ("system", "developer") if (text := _text(message))]
    turns = [
        {"role": message["role"], "content": _content(message.get("content"))}
        for message in chat
        if message.get("role") not in ("system", "developer")
    ]
    return {**({"system": "\n\n".join(system)} if system else {}), "messages": turns}


def wire_format(schema: JSONSchema) -> dict[str, Any]:
    """How it is told the JSON schema of a reply; empty where the schema has no form that it would take."""
    try:
        return {"output_config": {"format": {"type": "json_schema", "schema": strict_schema(schema, takes_bounds=False)}}}
    except NotStrict:
        return {}


def read_message(answer: Answer, target: Target) -> Completion:
    """The one reply.

    Raises:
        LLMError: The server refused, or its answer is no message, or has no text; then `usage` on it says what it used.
    """
    body = object_of(answer, target)
    parts = body.get("content")
    if not isinstance(parts, list):
        raise something_else(answer, target, "it has no list of content")
    reason, usage = body.get("stop_reason"), _usage(body.get("usage"))
    text = "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict) and part.get("type") == "text")
    if reason == "refusal" or not text.strip():
        error = _useless(str(reason), answer, target)
        error.usage = usage if usage.input_tokens or usage.output_tokens else None
        raise error
    name = body.get("model")
    named = name if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME else target.model
    return Completion([text], named, usage, [_REASONS.get(str(reason), str(reason)) if reason else None], answer.headers)


def _useless(reason: str, answer: Answer, target: Target) -> BadRequest | ContentFiltered | EmptyReply:
    """Why a reply that is paid for is of no use."""
    if reason == "refusal":
        return ContentFiltered(f"{target} refused to answer (stop_reason 'refusal')", "change or drop the row")
    if _REASONS.get(reason) == "length":
        return BadRequest(
            f"{target} used up its tokens before it wrote any text (stop_reason {reason!r})",
            "raise max_new_tokens: thinking comes first, and counts",
        )
    seen = target.excerpt(answer.body)
    return EmptyReply(
        f"{target} sent an empty reply (stop_reason {reason!r}); it said {answer.status}: {seen}",
        "change the prompt or the sampling, or drop the row",
    )


def _usage(usage: Any) -> Usage:
    """What was read from a cache, or written to it, is counted beside the rest of the prompt."""
    cached = count_of(usage, "cache_read_input_tokens")
    read = count_of(usage, "input_tokens") + count_of(usage, "cache_creation_input_tokens") + cached
    details = usage.get("output_tokens_details") if isinstance(usage, dict) else None
    return Usage(read, count_of(usage, "output_tokens"), cached, count_of(details, "thinking_tokens"))


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [_image(part) if isinstance(part, dict) and part.get("type") == "image_url" else part for part in content]


def _image(part: dict[str, Any]) -> dict[str, Any]:
    found = part.get("image_url")
    url = str(found.get("url") if isinstance(found, dict) else found)
    if inline := _DATA.fullmatch(url):
        return {"type": "image", "source": {"type": "base64", "media_type": inline["type"], "data": inline["data"]}}
    return {"type": "image", "source": {"type": "url", "url": url}}
