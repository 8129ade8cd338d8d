"""What a provider answers: a reply by OpenAI's protocol or Anthropic's, or a failure."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from tests.fakes.providers.dialects import Dialect
from tests.fakes.providers.failures import Failure


def answered_with(failure: Failure) -> web.Response:
    body = orjson.dumps(failure.body) if failure.body is not None else b""
    return web.Response(status=failure.status, body=body, content_type="application/json", headers=failure.headers)


def texts_of(body: dict[str, Any]) -> tuple[str, str]:
    """What the user says last, and what the system says; of texts to embed all of them."""
    if "input" in body:
        return "\n".join(body["input"]), ""
    messages = body.get("messages") or []
    users = [str(message["content"]) for message in messages if message["role"] == "user"]
    system = [str(message["content"]) for message in messages if message["role"] == "system"]
    return (users[-1] if users else ""), str(body.get("system") or " ".join(system))


def _text(body: dict[str, Any], prompt: str, choice: int, schema: Any, *, is_json: bool) -> str:
    if schema is not None:
        return orjson.dumps(_instance(schema, schema)).decode()
    if is_json or "json" in prompt.lower():
        return '{"labels": "good"}'  # a model that is told in words alone
    return f"reply {choice} to: {prompt}"


def completion(dialect: Dialect, body: dict[str, Any], prompt: str, reason: str) -> dict[str, Any]:
    wanted = body.get("response_format") or {"type": "text"}
    schema = wanted.get("schema") or (wanted.get("json_schema") or {}).get("schema")
    many = min(body.get("n") or 1, dialect.most_n)
    replies = [_text(body, prompt, number, schema, is_json=wanted["type"] != "text") for number in range(many)]
    messages = [{"role": "assistant"} if reason else {"role": "assistant", "content": reply} for reply in replies]
    asked, told = sum(len(str(one["content"]).split()) for one in body["messages"]), sum(len(one.split()) for one in replies)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [
            {"index": number, "message": message, "finish_reason": reason or "stop"} for number, message in enumerate(messages)
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told},
    }


def message(body: dict[str, Any], prompt: str, reason: str) -> dict[str, Any]:
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    text = _text(body, prompt, 0, schema, is_json=False)
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [] if reason else [{"type": "text", "text": text}],
        "stop_reason": reason or "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": len(prompt.split()),
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 3,
            "output_tokens": len(text.split()),
            "service_tier": "standard",
        },
    }


def _instance(schema: Any, root: Any) -> Any:
    """Something that follows a schema."""
    if ref := schema.get("$ref"):
        return _instance(root["$defs"][ref.rpartition("/")[2]], root)
    if options := schema.get("anyOf"):
        return _instance(options[0], root)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _instance(part, root) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_instance(schema.get("items", {}), root)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "some text"
