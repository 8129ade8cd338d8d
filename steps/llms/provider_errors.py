"""What a server's refusal means: its status and words become one of the errors of `steps.errors`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from steps.cassettes.scrubbing import STARS, Scrubber
from steps.errors import (
    AuthFailed,
    BadRequest,
    ContentFiltered,
    ContextTooLong,
    LLMError,
    ModelNotFound,
    RateLimited,
    SchemaRefused,
    ServerFailed,
)

SEEN_CHARS = 200

_TOO_LONG = re.compile(
    r"maximum context length|context (length|window|size)|prompt is too long|too many (input )?tokens"
    r"|reduce the length|request too large|`?max_new_tokens`? must be|exceed context limit|too large for model with"
    r"|exceeds the maximum number of tokens|maximum prompt length",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content management policy|content filter|was flagged|input flagged|content exists risk|violates usage guidelines",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model not exist|invalid model\b|not a valid model|model .{0,200}does not exist|model not found", re.IGNORECASE
)
_BAD_KEY = re.compile(r"api[ _]key not valid|(incorrect|invalid) api[ _]key", re.IGNORECASE)
"""Some say it of a bad key with 400: Gemini, xAI."""
_NO_MONEY = re.compile(r"credit balance is too low|insufficient balance|prepayment credits are depleted", re.IGNORECASE)
_ABOUT_SCHEMAS = re.compile(
    r"response[_ ]format|output_(config|format)|json[_ ]?schema|structured[_ ]outputs?|guided[_ ](json|decoding)|grammar"
    r"|invalid schema",
    re.IGNORECASE,
)
_BLOCKED = 498
"""Cohere: an unsafe request. Groq: no capacity is left, which it says."""
_OVERLOADED = (429, _BLOCKED, 503, 529)
"""Too many requests, from this account or from all: fewer are sent then, which helps in either case."""
_UNPAID = {
    *("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "credit_balance_exhausted"),
    "enforced_spend_limit_reached",
}
_FILTER_CODES = {"content_filter", "content_policy_violation", "moderation_blocked", "ResponsibleAIPolicyViolation"}
_TOO_LONG_CODES = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
_LOOKED_AT_CHARS = 100 * SEEN_CHARS
"""Of what a server said: stars are shorter than keys, so what is cut in two here is far behind what is shown."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who was asked: every message names it.

    `key_source` says where the key comes from, `secrets` what no message may show.
    """

    model: str
    base_url: str
    key_source: str = "$OPENAI_API_KEY"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    path: str = "/chat/completions"

    def __str__(self) -> str:
        return f"model {self.model!r} at {self.base_url}"

    def excerpt(self, said: str | bytes) -> str:
        """The start of what a server said, without anything that is a key or looks like one."""
        text = text_of(said[: 40 * _LOOKED_AT_CHARS]) if isinstance(said, bytes) else said
        told = " ".join(text[: 10 * _LOOKED_AT_CHARS].split())[:_LOOKED_AT_CHARS]
        for secret in self.secrets:  # short ones too, which are words in other texts
            told = told.replace(secret, STARS)
        return Scrubber.of_refusal(self.secrets).text(told)[:SEEN_CHARS]


def classify(status: int, body: bytes, headers: Mapping[str, str], target: Target) -> LLMError:
    """The error that this answer is."""
    error = _error_of(body)
    codes = {str(error.get(key)) for key in ("code", "type")} | _inner_codes(error)
    message = str(error.get("message") or "")[:_LOOKED_AT_CHARS]
    seen = target.excerpt(message or body) or "(nothing)"
    said = f"it said {status}: {seen}"
    wait_s = retry_after_s(headers)
    if wait_s is None:
        wait_s = _told_wait_s(error)

    if codes & _UNPAID or status == 402 or (status in (400, 403, 429) and _NO_MONEY.search(message)):
        return AuthFailed(
            f"{target} takes no more requests from this account; {said}",
            f"check plan and billing of the account behind {target.key_source}; waiting does not help",
        )
    if codes & _FILTER_CODES or _is_blocked(status, message) or (status in (400, 403, 422) and _FILTERED.search(message)):
        return ContentFiltered(f"the content filter of {target} refused this prompt; {said}", "change or drop the row")
    if codes & _TOO_LONG_CODES or status == 413 or _says_too_long(status, message):
        return ContextTooLong(
            f"prompt and reply do not fit into the context of {target}; {said}",
            "shorten the row (TruncateTextColumn), lower max_new_tokens or take a model with a longer context",
        )
    if status in (404, 405) or "model_not_found" in codes or status in range(300, 400) or _says_no_model(status, message):
        moved = f" and points to {target.excerpt(headers['Location'])}" if "Location" in headers else ""
        return ModelNotFound(
            f"{target.base_url} does not know the model {target.model!r} or the path {target.path}{moved}; {said}",
            f"base_url has no path; most servers want {target.base_url}/v1"
            if has_no_path(target.base_url)
            else "check `model` and `base_url` (most servers want it to end in /v1)",
        )
    if status in (400, 422, 501) and _ABOUT_SCHEMAS.search(f"{str(error.get('param'))[:SEEN_CHARS]} {message}"):
        return SchemaRefused(
            f"{target} does not take this JSON schema; {said}",
            "set use_default_structured_output to false, and leave structured_output empty: replies are checked here too",
        )
    if status in _OVERLOADED:
        refusal = RateLimited(f"{target} refuses for now; {said}", "lower max_concurrency if this does not pass", wait_s)
        refusal.headers = headers
        return refusal
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(message)):
        what = "does not allow this" if status == 403 else "refuses the key"
        return AuthFailed(f"{target} {what}; {said}", f"set {target.key_source} to a key that may use this model")
    if status == 407:
        return AuthFailed(
            f"the proxy on the way to {target} wants a user and a password",
            "write them into HTTPS_PROXY or HTTP_PROXY: http://user:password@host:port",
        )
    if status >= 500 or status in (408, 409, 424, 425):  # 424: TGI, when the model behind it fails
        return ServerFailed(f"{target} failed; {said}", "look at the server's log or status page", retry_after_s=wait_s)
    return BadRequest(f"{target} does not accept this request; {said}", "check generation_kwargs and the prompt")


def has_no_path(base_url: str) -> bool:
    """Whether an address is that of a server alone: its API mostly lies below, at /v1."""
    parts = urlsplit(base_url)
    return parts.path in ("", "/") and not parts.query


def _says_too_long(status: int, message: str) -> bool:
    """A refusal (429) may count tokens too: it is about this request only if it says so."""
    if status == 429:
        return "request too large" in message.lower()
    is_of_llama_cpp = status == 500 and "too large to process" in message
    return is_of_llama_cpp or (status in (400, 403, 422) and _TOO_LONG.search(message) is not None)


def _is_blocked(status: int, message: str) -> bool:
    return status == _BLOCKED and "capacity" not in message.lower()


def _says_no_model(status: int, message: str) -> bool:
    return status == 400 and _NO_MODEL.search(message) is not None


def _told_wait_s(error: dict[str, Any]) -> float | None:
    """How long Google asks to wait: it says so in the body, `{"retryDelay": "2.5s"}`."""
    details = error.get("details")
    delays = [one.get("retryDelay") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return next((seconds for delay in delays if delay and (seconds := _number(str(delay).removesuffix("s"))) is not None), None)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the server asks to wait: `Retry-After-ms`, or `Retry-After` in seconds or as a date.

    A date is compared with the server's own clock (`Date`) where it tells it. Nonsense counts as nothing.
    """
    if (milliseconds := _number(headers.get("Retry-After-ms"))) is not None:
        return milliseconds / 1000
    text = headers.get("Retry-After")
    if (seconds := _number(text)) is not None:
        return seconds
    until = _date(text)
    if until is None:
        return None
    now = _date(headers.get("Date")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def text_of(body: bytes) -> str:
    """A text in whichever Unicode it is written; a server that writes UTF-16 shows a key with a zero between its letters."""
    return body.decode(json.detect_encoding(body), errors="replace")


def parsed_json(body: bytes) -> Any:
    """The JSON of an answer, also where it is none by the letter: what was paid for is worth a second look.

    Raises:
        ValueError, RecursionError: It is no JSON at all.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(text_of(body))  # slower; it takes half a character ("\\ud83d"), NaN, and other Unicode than UTF-8


def _error_of(body: bytes) -> dict[str, Any]:
    """The error object: OpenAI nests it under `error`; others put a text there, or `message` or `detail` at the top."""
    try:
        parsed = parsed_json(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(parsed, list) and parsed:  # Gemini
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error", parsed)
    if not isinstance(error, dict):
        return {**parsed, "message": error}
    return error if error.get("message") else {**error, "message": error.get("detail")}


def _inner_codes(error: dict[str, Any]) -> set[str]:
    inner, details = error.get("innererror"), error.get("details")  # Azure, Anthropic
    found = {str(inner.get("code"))} if isinstance(inner, dict) else set()
    return found | ({str(details.get("error_code"))} if isinstance(details, dict) else set())
