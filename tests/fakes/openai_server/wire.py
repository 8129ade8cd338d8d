"""The JSON of the chat completions protocol, and of completions: reading requests, building answers and errors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from tests.fakes.openai_server.behaviour import Behaviour, Fault, Messages

Json = dict[str, Any]
LONGEST_COMPLETION = 16
"""Tokens of a completion that nobody limits, as at OpenAI and vLLM."""


def error_body(message: str, error_type: str, code: str | None, param: str | None = None) -> Json:
    """Wrap an error the way OpenAI does."""
    return {"error": {"message": message, "type": error_type, "param": param, "code": code}}


STATUS_FAULTS: dict[Fault, tuple[int, Json]] = {
    Fault.SERVER_ERROR: (
        500,
        error_body("The server had an error while processing your request. Sorry!", "server_error", None),
    ),
    Fault.OVERLOADED: (503, error_body("The server is overloaded.", "server_error", None)),
    Fault.RATE_LIMITED: (
        429,
        error_body("Rate limit reached on requests per second.", "requests", "rate_limit_exceeded"),
    ),
    Fault.UNAUTHORIZED: (
        401,
        error_body("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    ),
    Fault.CONTEXT_LENGTH: (
        400,
        error_body(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000"
            " tokens. Please reduce the length of the messages.",
            "invalid_request_error",
            "context_length_exceeded",
            "messages",
        ),
    ),
    Fault.CONTENT_FILTER: (
        400,
        error_body(
            "The response was filtered due to the prompt triggering the content management policy.",
            "invalid_request_error",
            "content_filter",
            "prompt",
        ),
    ),
}
"""The faults that are a plain error answer: status and body."""


def text_of(message: Json) -> str:
    """Return a message's text; of a list of parts, the text parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part.get("type") == "text")


def prompt_of(messages: Messages) -> str:
    """Return the text of the last user message (of the last message if no user spoke)."""
    users = (message for message in reversed(messages) if message.get("role") == "user")
    return text_of(next(users, messages[-1]))


def echo(prompt: str, choice: int, as_json: bool) -> str:
    """Answer without a script: the prompt again, numbered from the second choice on."""
    text = f"echo: {prompt}" if choice == 0 else f"echo {choice}: {prompt}"
    # the shape is fixed, whatever schema was asked for; a test of schemas scripts its reply
    return orjson.dumps({"echo": text}).decode() if as_json else text


def messages_of(body: Json) -> Messages:
    """Return the messages of a request; a prompt of plain text as one."""
    messages: Messages = body["messages"] if "messages" in body else [{"role": "user", "content": body["prompt"]}]
    return messages


def completion(number: int, body: Json, behaviour: Behaviour) -> Json:
    """Build the `chat.completion` answer to a request, or the `text_completion`."""
    messages, model, is_chat = messages_of(body), body.get("model", ""), "messages" in body
    limit = (body.get("max_completion_tokens") if is_chat else None) or body.get("max_tokens")
    if not is_chat:
        limit = limit or LONGEST_COMPLETION
    replies = [_stopped(_reply(behaviour, body, choice), body.get("stop")) for choice in range(body.get("n") or 1)]
    choices = [_choice(index, reply, limit) for index, reply in enumerate(replies)]
    prompt_tokens = sum(_count_tokens(text_of(message)) for message in messages)
    completion_tokens = sum(_count_tokens(choice["message"]["content"]) for choice in choices)
    if not is_chat:
        choices = [{**choice, "text": choice.pop("message")["content"]} for choice in choices]
    answer: Json = {
        "id": f"{'chatcmpl' if is_chat else 'cmpl'}-{number}",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": int(time.time()),
        "model": model,
        "choices": choices,
    }
    if behaviour.counts_tokens:
        answer["usage"] = _usage(prompt_tokens, completion_tokens + behaviour.reasoning_tokens, behaviour)
    if "response_format" in body:
        answer["response_format"] = body["response_format"]
    return answer


def format_of(body: Json) -> str:
    """Type of the `response_format` that a request asks for."""
    return str((body.get("response_format") or {}).get("type", "text"))


def format_refused(kind: str) -> Json:
    """What a model that knows no such `response_format` says."""
    message = f"Invalid parameter: 'response_format' of type '{kind}' is not supported with this model."
    return error_body(message, "invalid_request_error", None, "response_format")


def _usage(prompt_tokens: int, completion_tokens: int, behaviour: Behaviour) -> Json:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": min(prompt_tokens, behaviour.cached_tokens)},
        "completion_tokens_details": {"reasoning_tokens": behaviour.reasoning_tokens},
    }


def model_list(models: Sequence[str]) -> Json:
    """Build the answer of `/v1/models`."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "fake"} for name in models]
    return {"object": "list", "data": data}


def _reply(behaviour: Behaviour, body: Json, choice: int) -> str:
    if isinstance(behaviour.reply, str):
        return behaviour.reply
    if behaviour.reply is not None:
        return behaviour.reply(messages_of(body), choice, body.get("model", ""))
    return echo(prompt_of(messages_of(body)), choice, as_json=format_of(body) != "text")


def _stopped(reply: str, stop: str | list[str] | None) -> str:
    """The reply up to the first text that ends it."""
    for text in [stop] if isinstance(stop, str) else stop or []:
        reply = reply.partition(text)[0]
    return reply


def _choice(index: int, reply: str, limit: int | None) -> Json:
    """Build one choice; a reply of more than `limit` words is cut and ends with "length"."""
    is_cut = limit is not None and _count_tokens(reply) > limit
    content = " ".join(reply.split()[:limit]) if is_cut else reply
    return {
        "index": index,
        "message": {"role": "assistant", "content": content},
        "logprobs": None,
        "finish_reason": "length" if is_cut else "stop",
    }


def _count_tokens(text: str) -> int:
    return len(text.split())
