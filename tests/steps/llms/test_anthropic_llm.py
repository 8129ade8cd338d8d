"""AnthropicLLM: how chats look by the Messages API, and what is made of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from steps.errors import AuthFailed, BadRequest, ContentFiltered, EmptyReply, LLMError, RateLimited, ServerFailed
from steps.llms.anthropic_llm import LONGEST_REPLY, AnthropicLLM
from steps.llms.anthropic_wire import read_message, wire_chat, wire_format
from steps.llms.base import Request, Usage
from steps.llms.http import Answer
from steps.llms.provider_errors import Target, classify
from tests.fakes.providers import FakeProviders
from tests.fakes.serving import running
from tests.steps.llms.serving import KEY, asking

TARGET = Target("claude", "https://api.anthropic.com/v1", "$ANTHROPIC_API_KEY", ("top-secret",), "/messages")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}


@asynccontextmanager
async def loaded(**fields: Any) -> AsyncIterator[tuple[AnthropicLLM, FakeProviders]]:
    fake = FakeProviders("anthropic")
    with running(fake) as url:
        llm = AnthropicLLM.model_validate({"model": "claude", "base_url": url, "api_key": KEY, **fields})
        await llm.load()
        try:
            yield llm, fake
        finally:
            await llm.unload()


def answer(text: str = "yes", reason: str = "end_turn", **fields: Any) -> Answer:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}] if text else []
    body = {"model": "claude-2", "content": content, "stop_reason": reason, "usage": {"input_tokens": 4, "output_tokens": 2}}
    return Answer(200, {}, orjson.dumps({**body, **fields}))


async def test_what_the_system_says_stands_apart_and_the_key_in_a_header_of_its_own() -> None:
    async with loaded(generation_kwargs={"max_new_tokens": 9, "stop": "###", "temperature": 0.5}) as (llm, fake):
        chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
        completion = await llm.complete(Request(chat))

    [seen] = fake.seen
    assert (seen.status, seen.system, seen.body["messages"]) == (200, "Be brief.", [{"role": "user", "content": "hi"}])
    assert (seen.body["max_tokens"], seen.body["stop_sequences"], seen.body["temperature"]) == (9, ["###"], 0.5)
    assert completion.texts == ["reply 0 to: hi"]
    assert completion.finish_reasons == ["stop"]


async def test_tokens_read_from_a_cache_or_written_to_it_count_as_input() -> None:
    async with loaded() as (llm, _):
        completion = await llm.complete(asking("one two"))

    assert completion.usage == Usage(input_tokens=2 + 2 + 3, output_tokens=5, cached_input_tokens=3)


async def test_a_reply_that_nobody_limits_is_limited_since_it_has_to_be() -> None:
    async with loaded() as (llm, fake):
        await llm.complete(asking())

    assert fake.seen[0].body["max_tokens"] == LONGEST_REPLY == llm.longest_reply


async def test_a_schema_goes_along_in_the_form_that_is_taken() -> None:
    async with loaded() as (llm, fake):
        completion = await llm.complete(asking(schema=SCHEMA))

    assert completion.texts == ['{"a":1}']
    told = fake.seen[0].body["output_config"]["format"]["schema"]
    assert told == {
        "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False,
    }  # fmt: skip


def test_a_schema_that_has_no_such_form_is_left_out() -> None:
    assert wire_format({"type": "object", "additionalProperties": True}) == {}


async def test_a_structured_output_goes_along_with_every_request() -> None:
    async with loaded(structured_output={"format": "json", "schema": SCHEMA}) as (llm, fake):
        await llm.complete(asking())

    assert "output_config" in fake.seen[0].body
    assert not llm.enforces_schemas


@pytest.mark.parametrize("wanted", [{"format": "regex", "schema": "a+"}, {"format": "json"}])
def test_a_structured_output_without_a_schema_is_a_problem(wanted: dict[str, Any]) -> None:
    llm = AnthropicLLM.model_validate({"model": "claude", "api_key": KEY, "structured_output": wanted})

    assert list(llm.problems()) == ["structured_output for Anthropic needs format 'json' and a JSON schema"]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://example.org/a.png", {"type": "url", "url": "https://example.org/a.png"}),
        ("data:image/png;base64,AAAA", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
    ],
)
def test_images_are_written_in_its_way(url: str, source: dict[str, str]) -> None:
    content = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]

    [message] = wire_chat([{"role": "user", "content": content}])["messages"]

    assert message["content"] == [{"type": "text", "text": "what?"}, {"type": "image", "source": source}]


@pytest.mark.parametrize(
    ("reason", "told"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("pause_turn", "pause_turn")],
)
def test_why_a_reply_ended_goes_by_the_names_of_openai(reason: str, told: str) -> None:
    completion = read_message(answer(reason=reason), TARGET)

    assert (completion.texts, completion.model_name, completion.finish_reasons) == (["yes"], "claude-2", [told])


@pytest.mark.parametrize(
    ("text", "reason", "error"),
    [
        ("I cannot", "refusal", ContentFiltered),
        ("", "refusal", ContentFiltered),
        ("", "max_tokens", BadRequest),
        ("", "model_context_window_exceeded", BadRequest),
        ("", "end_turn", EmptyReply),
    ],
)
def test_a_reply_of_no_use_is_an_error_that_says_what_it_used(text: str, reason: str, error: type[LLMError]) -> None:
    with pytest.raises(error) as caught:
        read_message(answer(text, reason), TARGET)

    assert caught.value.usage == Usage(4, 2)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"content": "text"}'])
def test_what_is_no_message_is_a_failure_of_the_server(body: bytes) -> None:
    with pytest.raises(ServerFailed):
        read_message(Answer(200, {}, body), TARGET)


@pytest.mark.parametrize(
    ("status", "kind", "message", "error"),
    [
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", AuthFailed),
        (402, "billing_error", "payment is due", AuthFailed),
        (403, "permission_error", "no", AuthFailed),
        (429, "rate_limit_error", "slow down", RateLimited),
        (529, "overloaded_error", "Overloaded", RateLimited),
        (500, "api_error", "Internal server error", ServerFailed),
        (400, "invalid_request_error", "temperature: Input should be less than 1", BadRequest),
    ],
)
def test_its_errors_are_told_apart(status: int, kind: str, message: str, error: type[LLMError]) -> None:
    body = orjson.dumps({"type": "error", "error": {"type": kind, "message": message}})

    assert type(classify(status, body, {}, TARGET)) is error
