"""classify: what a server's refusal means."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

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
from steps.llms.provider_errors import Target, classify, retry_after_s
from tests.steps.cassettes.disguises import DISGUISES, KEYS, traces

TARGET = Target("gpt-4o", "https://api.openai.com/v1", "$OPENAI_API_KEY", ("top-secret",))


def error(message: str = "no", **fields: Any) -> bytes:
    return orjson.dumps({"error": {"message": message, **fields}})


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (400, error(), {}, BadRequest),
        (422, b'{"detail": [{"msg": "field required"}]}', {}, BadRequest),
        (400, error("not supported with this model", param="response_format"), {}, SchemaRefused),
        (400, error("This response_format type is unavailable now"), {}, SchemaRefused),
        (400, error("This model does not support response format `json_schema`"), {}, SchemaRefused),
        (400, error("failed to parse grammar"), {}, SchemaRefused),
        (422, b'{"detail": [{"loc": ["body", "response_format"], "msg": "extra"}]}', {}, SchemaRefused),
        (501, error("guided_json is not implemented"), {}, SchemaRefused),
        (500, error("json_schema"), {}, ServerFailed),
        (400, error(code="context_length_exceeded"), {}, ContextTooLong),
        (400, error("This model's maximum context length is 10 tokens"), {}, ContextTooLong),
        (400, error("exceeds the available context size", type="exceed_context_size_error"), {}, ContextTooLong),
        (422, b'{"error": "`inputs` tokens + `max_new_tokens` must be <= 2048"}', {}, ContextTooLong),
        (413, b"", {}, ContextTooLong),
        (429, error("Request too large for gpt-4o on tokens per min"), {}, ContextTooLong),
        (400, error(code="content_filter"), {}, ContentFiltered),
        (400, error(innererror={"code": "ResponsibleAIPolicyViolation"}), {}, ContentFiltered),
        (403, error("Your input was flagged"), {}, ContentFiltered),
        (498, b'{"message": "blocked input"}', {}, ContentFiltered),
        (498, error("No capacity is left for flex"), {}, RateLimited),
        (403, error("The input (10 tokens) is longer than the model's context length (9 tokens)."), {}, ContextTooLong),
        (400, error("prompt too long; exceeded max context length by 4 tokens"), {}, ContextTooLong),
        (400, b'{"code": "invalid-argument", "error": "Model not found: x"}', {}, ModelNotFound),
        (429, b'[{"error": {"message": "Your prepayment credits are depleted."}}]', {}, AuthFailed),
        (429, error("limit", type="rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}), {}, AuthFailed),
        (401, error(), {}, AuthFailed),
        (403, b"<html>Forbidden</html>", {}, AuthFailed),
        (402, error("Insufficient Balance"), {}, AuthFailed),
        (429, error(code="insufficient_quota"), {"Retry-After": "1"}, AuthFailed),
        (407, b"", {}, AuthFailed),
        (404, b"404 page not found", {}, ModelNotFound),
        (400, error(code="model_not_found"), {}, ModelNotFound),
        (301, b"", {"Location": "https://x.test"}, ModelNotFound),
        (429, b"", {}, RateLimited),
        (503, b"", {"Retry-After": "3"}, RateLimited),
        (503, b"", {}, RateLimited),
        (529, error(), {}, RateLimited),
        (502, b"", {}, ServerFailed),
        (504, b"", {"Retry-After": "3"}, ServerFailed),
        (500, error(), {}, ServerFailed),
        (408, b"", {}, ServerFailed),
        (409, b"", {}, ServerFailed),
        (425, b"", {}, ServerFailed),
        (418, b"", {}, BadRequest),
    ],
)
def test_status_and_words_become_an_error(status: int, body: bytes, headers: dict[str, str], expected: type[LLMError]) -> None:
    found = classify(status, body, headers, TARGET)

    assert type(found) is expected
    assert found.fix


def test_no_quota_left_is_fatal_and_says_billing() -> None:
    found = classify(429, error(code="insufficient_quota"), {}, TARGET)

    assert found.is_fatal
    assert "billing" in found.fix


@pytest.mark.parametrize(
    "body",
    [
        error("the words"),
        b'{"error": "the words"}',
        b'{"message": "the words"}',
        b'{"detail": "the words"}',
        b'[{"error": {"message": "the words"}}]',
        b"the words",
    ],
)
def test_the_servers_own_words_are_found(body: bytes) -> None:
    assert classify(400, body, {}, TARGET).message.endswith("it said 400: the words")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"null", b'{"error": null}', b"[]", b'{"error": {"message": {}}}'])
def test_any_body_can_be_classified(body: bytes) -> None:
    assert isinstance(classify(500, body, {}, TARGET), ServerFailed)


def test_words_are_cut_and_keys_taken_out() -> None:
    found = classify(401, error(f"key top-secret or sk-abc***def9 {'x' * 500}"), {}, TARGET)

    assert "key *** or *** xxx" in found.message
    assert len(found.message) < 300
    assert "top-secret" not in repr(TARGET)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("name", KEYS)
def test_no_disguise_brings_a_key_into_a_message(name: str, disguise: str) -> None:
    key = KEYS[name]
    target = Target("m", "https://host/v1", secrets=(key,))
    text = f"The key {DISGUISES[disguise](key)} is not allowed."

    for body in (error(text), text.encode(), error(f"{' ' * 5000}{text}{text * 900}")):
        assert traces(classify(401, body, {"Location": text}, target).message, key) == []


def test_what_a_refusal_says_stays_where_it_holds_no_key() -> None:
    said = "Unsupported value: 'temperature' does not support 0.2 with this model. 100% sure &amp; \\u00e9"

    assert classify(400, error(said), {}, TARGET).message.endswith(said)


# ---- Retry-After
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "2"}, 2.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "2", "Retry-After-ms": "1500"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT", "Date": format_datetime(NOW, usegmt=True)}, 30.0),
        ({"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": format_datetime(NOW, usegmt=True)}, 0.0),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:30 -0000", "Date": format_datetime(NOW, usegmt=True)}, 30.0),
        ({"Retry-After": "Sun, 41 Mar 2026 12:00:30 GMT"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


def test_a_date_without_the_servers_clock_is_compared_with_ours() -> None:
    until = datetime.now(UTC) + timedelta(seconds=60)

    wait_s = retry_after_s({"Retry-After": format_datetime(until, usegmt=True)})

    assert wait_s is not None
    assert 55 < wait_s <= 60


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_refusal_in_other_unicode_is_understood_and_shows_no_key(encoding: str) -> None:
    said = error("the account of top-secret is empty", code="insufficient_quota").decode()

    found = classify(429, said.encode(encoding), {}, TARGET)

    assert isinstance(found, AuthFailed)
    assert found.message.endswith("it said 429: the account of *** is empty")
    assert "top" not in classify(401, "the key top-secret".encode(encoding), {}, TARGET).message.replace("\0", "")


def test_a_key_with_zeros_between_its_letters_is_found() -> None:
    assert "secret" not in classify(401, error("\0".join("top-secret")), {}, TARGET).message.replace("\0", "")


def test_a_refusal_of_megabytes_is_read_in_no_time() -> None:
    started = time.process_time()

    classify(400, error("the model " * 2_000_000), {}, TARGET)

    assert time.process_time() - started < 2
