"""The fake OpenAI server, seen through the real `openai` client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from tests.fakes.openai_server import CLIENT_GAVE_UP, CONNECTION_CLOSED, Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import Restartable, running

pytestmark = pytest.mark.asyncio

Ask = Callable[..., Awaitable[ChatCompletion]]


@asynccontextmanager
async def asking(fake: FakeOpenAI, timeout_s: float = 5.0) -> AsyncIterator[Ask]:
    """Serve `fake` and yield a function that asks it one prompt."""
    with running(fake) as url:
        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="test", max_retries=0, timeout=timeout_s)
        async with client:

            async def ask(prompt: str, **options: Any) -> ChatCompletion:
                messages: list[ChatCompletionMessageParam] = [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": prompt},
                ]
                answer: ChatCompletion = await client.chat.completions.create(model="fake-model", messages=messages, **options)
                return answer

            yield ask


async def test_the_default_reply_echoes_the_prompt_and_counts_words() -> None:
    async with asking(FakeOpenAI()) as ask:
        answer = await ask("hello there", n=2)

    texts = [choice.message.content for choice in answer.choices]
    assert texts == ["echo: hello there", "echo 1: hello there"]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 7)
    assert answer.usage.total_tokens == 11
    assert answer.choices[0].finish_reason == "stop"


async def test_a_scripted_reply_sees_messages_choice_and_model() -> None:
    def reply(messages: list[dict[str, Any]], choice: int, model: str) -> str:
        return f"{messages[0]['content']} {choice} {model}"

    async with asking(FakeOpenAI(Behaviour(reply=reply))) as ask:
        answer = await ask("hi", n=2)

    assert [choice.message.content for choice in answer.choices] == [
        "Be brief. 0 fake-model",
        "Be brief. 1 fake-model",
    ]


async def test_max_tokens_cuts_the_reply() -> None:
    async with asking(FakeOpenAI(Behaviour(reply="one two three"))) as ask:
        [choice] = (await ask("hi", max_tokens=2)).choices

    assert (choice.message.content, choice.finish_reason) == ("one two", "length")


async def test_a_response_format_is_refused_when_told_to() -> None:
    async with asking(FakeOpenAI(Behaviour(refused_formats=["json_schema"]))) as ask:
        schema = {"name": "any", "schema": {"type": "object"}}
        with pytest.raises(openai.BadRequestError, match="'json_schema' is not supported") as caught:
            await ask("hi", response_format={"type": "json_schema", "json_schema": schema})
        await ask("hi", response_format={"type": "json_object"})

    assert caught.value.param == "response_format"


async def test_a_json_response_format_gets_json() -> None:
    fake = FakeOpenAI()
    async with asking(fake) as ask:
        answer = await ask('say "hi"', response_format={"type": "json_object"})

    assert json.loads(answer.choices[0].message.content or "") == {"echo": 'echo: say "hi"'}
    assert fake.stats.last_request is not None
    assert fake.stats.last_request["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault.SERVER_ERROR, openai.InternalServerError, None),
        (Fault.RATE_LIMITED, openai.RateLimitError, "rate_limit_exceeded"),
        (Fault.OVERLOADED, openai.InternalServerError, None),
        (Fault.UNAUTHORIZED, openai.AuthenticationError, "invalid_api_key"),
        (Fault.CONTEXT_LENGTH, openai.BadRequestError, "context_length_exceeded"),
        (Fault.CONTENT_FILTER, openai.BadRequestError, "content_filter"),
    ],
)
async def test_an_error_status_is_the_clients_own_error(
    fault: Fault, error: type[openai.APIStatusError], code: str | None
) -> None:
    async with asking(FakeOpenAI(Behaviour(rules=[Rule("boom", fault)]))) as ask:
        with pytest.raises(error) as caught:
            await ask("boom")
        assert (await ask("fine")).choices

    assert caught.value.code == code


async def test_a_rule_for_one_time_fails_each_prompt_once() -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("", Fault.RATE_LIMITED, times=1, retry_after="0.25")]))
    async with asking(fake) as ask:
        for prompt in ("a", "b"):
            with pytest.raises(openai.RateLimitError) as caught:
                await ask(prompt)
            assert caught.value.response.headers["retry-after"] == "0.25"
            assert (await ask(prompt)).choices

    assert fake.stats.by_status == {429: 2, 200: 2}
    assert fake.stats.by_prompt == {"a": 2, "b": 2}


async def test_a_rule_can_be_a_predicate() -> None:
    async with asking(FakeOpenAI(Behaviour(rules=[Rule(str.isupper, Fault.UNAUTHORIZED)]))) as ask:
        with pytest.raises(openai.AuthenticationError):
            await ask("LOUD")
        assert (await ask("quiet")).choices


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.EMPTY])
async def test_a_body_that_is_not_json_is_a_decoding_error(fault: Fault) -> None:
    async with asking(FakeOpenAI(Behaviour(rules=[Rule("", fault)]))) as ask:
        with pytest.raises(json.JSONDecodeError):
            await ask("hi")


async def test_a_closed_connection_is_a_connection_error() -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("boom", Fault.DISCONNECT)]))
    async with asking(fake) as ask:
        with pytest.raises(openai.APIConnectionError) as caught:
            await ask("boom")
        assert (await ask("fine")).choices

    assert not isinstance(caught.value, openai.APITimeoutError)
    assert fake.stats.by_status == {CONNECTION_CLOSED: 1, 200: 1}


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SLOW_BODY])
async def test_no_answer_in_time_is_a_timeout(fault: Fault) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("", fault)], slow_body_s=30))
    async with asking(fake, timeout_s=0.2) as ask:
        with pytest.raises(openai.APITimeoutError):
            await ask("hi")

    assert (fake.stats.in_flight, fake.stats.by_status) == (0, {CLIENT_GAVE_UP: 1})


async def test_a_slow_body_arrives_whole_in_the_end() -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("", Fault.SLOW_BODY)], slow_body_s=0.2))
    started = time.monotonic()
    async with asking(fake) as ask:
        answer = await ask("hi")

    assert answer.choices[0].message.content == "echo: hi"
    assert time.monotonic() - started >= 0.2


async def test_a_rate_limit_says_when_to_come_back() -> None:
    async with asking(FakeOpenAI(Behaviour(requests_per_s=0.5, burst=2))) as ask:
        answers = await asyncio.gather(*(ask("hi") for _ in range(3)), return_exceptions=True)

    [refused] = [answer for answer in answers if isinstance(answer, openai.RateLimitError)]
    headers = refused.response.headers
    assert headers["retry-after"] == "2"
    assert 0 < int(headers["retry-after-ms"]) <= 2000
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("2", "0")


async def test_a_rate_limit_can_name_any_time_and_keep_its_state_to_itself() -> None:
    behaviour = Behaviour(requests_per_s=0.001, burst=1, retry_after="soon", tells_limits=False)
    async with asking(FakeOpenAI(behaviour)) as ask:
        await ask("one")
        with pytest.raises(openai.RateLimitError) as caught:
            await ask("two")

    headers = caught.value.response.headers
    assert headers["retry-after"] == "soon"
    assert not [name for name in headers if name.startswith(("x-ratelimit", "retry-after-"))]


async def test_keys_are_counted_limited_and_refused_each_by_itself() -> None:
    fake = FakeOpenAI(Behaviour(requests_per_s=0.001, burst=1, refused_keys=["bad"]))
    with running(fake) as url:
        statuses = []
        for key in ("a", "a", "b", "bad"):
            async with AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
                try:
                    await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
                    statuses.append(200)
                except openai.APIStatusError as error:
                    statuses.append(error.status_code)

    assert statuses == [200, 429, 200, 401]
    assert fake.stats.by_key == {"a": 2, "b": 1, "bad": 1}


async def test_a_server_comes_back_at_the_same_port_with_its_counts() -> None:
    fake = FakeOpenAI()
    with Restartable(fake) as server:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="a", max_retries=0) as client:

            async def ask() -> None:
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])

            await ask()
            server.stop()
            with pytest.raises(openai.APIConnectionError):
                await ask()
            server.start()
            await ask()

    assert fake.stats.requests == 2


async def test_latency_and_peak_in_flight_are_real() -> None:
    fake = FakeOpenAI(Behaviour(latency_s=lambda prompt: 0.3 if prompt == "slow" else 0.0))
    async with asking(fake) as ask:
        await asyncio.gather(*(ask("slow") for _ in range(5)))

    assert (fake.stats.peak_in_flight, fake.stats.in_flight) == (5, 0)
    assert fake.stats.first_at is not None
    assert fake.stats.last_at is not None
    assert fake.stats.first_at <= fake.stats.last_at


async def test_the_behaviour_can_change_while_it_runs() -> None:
    fake = FakeOpenAI(Behaviour(reply="before"))
    async with asking(fake) as ask:
        await ask("hi")
        fake.behaviour = Behaviour(reply="after")
        answer = await ask("hi")

    assert answer.choices[0].message.content == "after"


async def test_models_are_listed() -> None:
    with running(FakeOpenAI(Behaviour(models=("a", "b")))) as url:
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="test", max_retries=0) as client:
            assert [model.id async for model in client.models.list()] == ["a", "b"]


async def test_a_stream_is_refused_not_answered_wrongly() -> None:
    async with asking(FakeOpenAI()) as ask:
        with pytest.raises(openai.BadRequestError):
            await ask("hi", stream=True)
