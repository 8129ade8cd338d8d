"""Reading an answer of the OpenAI chat protocol: texts and token counts, or the error that it is."""

from __future__ import annotations

from typing import Any

from steps.errors import BadRequest, ContentFiltered, EmptyReply, LLMError, ServerFailed
from steps.llms.base import Completion, Usage
from steps.llms.http import Answer
from steps.llms.provider_errors import Target, classify, parsed_json

CHAT = "a chat completion"
SEEN_BYTES = 2000
"""Of an answer that is shown: it may be megabytes of an image."""
LONGEST_NAME = 500
"""Of a model: it stands in each row."""
MOST_COUNTED = 10**12
"""More than any request can use: a count beyond it is a server's slip, and would spend every budget."""


def read_completion(answer: Answer, target: Target, wanted: int) -> Completion:
    """Texts of the choices that have one: at least one, at most `wanted`.

    Raises:
        LLMError: The server refused, or its answer is no chat completion, or no choice has a text; then `usage` on it says
            what that reply used.
    """
    body = object_of(answer, target)
    choices = body.get("choices")
    if not choices and isinstance(failure := body.get("error"), dict):  # OpenRouter: 200, and the status inside
        code = failure.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        raise classify(status, answer.body, answer.headers, target)
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise something_else(answer, target, "it has no list of choices")
    read = [(text, choice.get("finish_reason")) for choice in choices if (text := _text(choice)).strip()][:wanted]
    if not read:
        raise _without_text(choices[0] if choices else {}, _usage(body.get("usage")), answer, target)
    name = body.get("model")
    return Completion(
        [text for text, _ in read],
        name if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME else target.model,
        _usage(body.get("usage")),
        [reason if isinstance(reason, str) else None for _, reason in read],
        answer.headers,
    )


def object_of(answer: Answer, target: Target, what: str = CHAT, *, is_of_model: bool = True) -> dict[str, Any]:
    """The JSON object that a server answered with.

    `what`: what was asked for, as messages call it. `is_of_model`: whether it depends on the model what a server answers with.

    Raises:
        LLMError: The server refused, or answered with something else.
    """
    if not 200 <= answer.status < 300:
        raise classify(answer.status, answer.body, answer.headers, target)
    try:
        body = parsed_json(answer.body)
    except (ValueError, RecursionError) as error:
        raise something_else(
            answer, target, "it is not JSON" if answer.body else "it is empty", what, is_of_model=is_of_model
        ) from error
    if not isinstance(body, dict):
        raise something_else(answer, target, "it is not an object", what, is_of_model=is_of_model)
    return body


def _message(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    return message if isinstance(message, dict) else {}


def _text(choice: dict[str, Any]) -> str:
    content = _message(choice).get("content", choice.get("text"))  # a text where a completion was asked for, not a chat
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # reasoning models of Mistral: thinking and text in parts
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict) and part.get("type") == "text")
    return ""


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    prompt, completion = count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens")
    cached = count_of(usage.get("prompt_tokens_details"), "cached_tokens") or count_of(usage, "prompt_cache_hit_tokens")
    reasoning = count_of(usage.get("completion_tokens_details"), "reasoning_tokens")
    if reasoning and count_of(usage, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning  # xAI and Gemini count it beside the reply; it is paid for all the same
    return Usage(prompt, completion, min(cached, prompt), min(reasoning, completion))


def count_of(counts: Any, name: str) -> int:
    """A number of tokens that can be true; some servers write it as a float."""
    count = counts.get(name) if isinstance(counts, dict) else None
    if isinstance(count, bool) or not isinstance(count, (int, float)):
        return 0
    return int(count) if 0 < count <= MOST_COUNTED and count == int(count) else 0


def _without_text(choice: dict[str, Any], usage: Usage, answer: Answer, target: Target) -> LLMError:
    if choice.get("finish_reason") == "error":  # OpenRouter: the provider behind it broke off, and charges nothing
        return something_else(answer, target, "its first choice has no text (finish_reason 'error')")
    error = _useless(choice, answer, target)
    error.usage = usage if usage.input_tokens or usage.output_tokens else None
    return error


def _useless(choice: dict[str, Any], answer: Answer, target: Target) -> LLMError:
    """Why a reply that is paid for has no text."""
    message = _message(choice)
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        return ContentFiltered(
            f"the content filter of {target} took the reply away (finish_reason 'content_filter')",
            "change or drop the row",
        )
    if refusal := message.get("refusal"):
        return ContentFiltered(f"{target} refused to answer: {target.excerpt(str(refusal))}", "change or drop the row")
    if reason == "length":
        return BadRequest(
            f"{target} used up its tokens before it wrote any text (finish_reason 'length')",
            "raise max_new_tokens: reasoning models think first, and that counts",
        )
    what = f"its first choice has no text (finish_reason {reason!r})" if choice else "it has no choices"
    seen = target.excerpt(answer.body)
    return EmptyReply(
        f"{target} sent an empty reply: {what}; it said {answer.status}: {seen}",
        "change the prompt or the sampling, raise max_new_tokens if the model thinks first, or drop the row",
    )


def something_else(answer: Answer, target: Target, why: str, what: str = CHAT, *, is_of_model: bool = True) -> ServerFailed:
    """What it is when an answer is not what was asked for: somebody else answers at this address, or another kind of model."""
    seen = target.excerpt(answer.body[:SEEN_BYTES])
    model = "" if what == CHAT or not is_of_model else f", that the model is one for {what}"
    return ServerFailed(
        f"{target} answered, but not with {what}: {why}; it said {answer.status}: {seen or '(nothing)'}",
        f"check that base_url is the API itself (most servers want it to end in /v1){model}, then the server's log",
    )
