"""OpenAILLM against servers and networks that fail."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from steps.errors import (
    AuthFailed,
    BadRequest,
    ContentFiltered,
    ContextTooLong,
    EmptyReply,
    LLMError,
    ModelNotFound,
    NetworkFailed,
    RateLimited,
    ServerFailed,
)
from steps.llms.base import Usage
from steps.llms.openai_llm import OpenAILLM
from steps.llms.provider_errors import Target, classify
from tests.fakes.openai_server import FakeOpenAI, Fault
from tests.steps.llms.serving import KEY, answering, asking, failing, loaded


async def failure(server: Any, error: type[LLMError], **fields: Any) -> LLMError:
    async with loaded(server, **fields) as llm:
        with pytest.raises(error) as caught:
            await llm.complete(asking())
    assert type(caught.value) is error
    return caught.value


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault.SERVER_ERROR, ServerFailed, "it said 500: The server had an error"),
        (Fault.RATE_LIMITED, RateLimited, "it said 429: Rate limit reached"),
        (Fault.UNAUTHORIZED, AuthFailed, "refuses the key; it said 401"),
        (Fault.CONTEXT_LENGTH, ContextTooLong, "maximum context length is 8192"),
        (Fault.CONTENT_FILTER, ContentFiltered, "content management policy"),
        (Fault.GARBAGE, ServerFailed, "not with a chat completion: it is not JSON; it said 200: <html>upstream"),
        (Fault.EMPTY, ServerFailed, "it is empty"),
        (Fault.DISCONNECT, NetworkFailed, "closed the connection before it had answered"),
    ],
)
async def test_each_fault_is_an_error_that_says_what_was_seen(fault: Fault, error: type[LLMError], said: str) -> None:
    caught = await failure(failing(fault), error)

    assert said in caught.message
    assert "127.0.0.1:" in caught.message
    assert caught.fix


async def test_retry_after_is_handed_on() -> None:
    assert (await failure(failing(Fault.RATE_LIMITED, retry_after="0.25"), RateLimited)).retry_after_s == 0.25


async def test_a_refused_key_names_the_variable() -> None:
    assert "$OPENAI_API_KEY" in (await failure(failing(Fault.UNAUTHORIZED), AuthFailed)).fix


async def test_an_unknown_path_names_model_and_address() -> None:
    caught = await failure(answering(404, text="404 page not found"), ModelNotFound)

    assert "'m'" in caught.message
    assert "/v1 does not know" in caught.message


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_without_a_path_is_told_the_usual_one(status: int) -> None:
    caught = classify(status, b"404 page not found", {}, Target("m", "http://box:8000"))

    assert isinstance(caught, ModelNotFound)
    assert "http://box:8000 does not know the model 'm' or the path /chat/completions" in caught.message
    assert caught.fix == "base_url has no path; most servers want http://box:8000/v1"


async def test_a_redirect_is_not_followed_but_shown() -> None:
    caught = await failure(answering(308, text="", headers={"Location": "https://elsewhere.test/v1"}), ModelNotFound)

    assert "points to https://elsewhere.test/v1" in caught.message


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SLOW_BODY])
async def test_a_server_that_does_not_answer_in_time(fault: Fault) -> None:
    caught = await failure(failing(fault), NetworkFailed, timeout=0.3)

    assert "did not answer within 0.3 s" in caught.message


async def test_cancelling_a_request_is_not_a_failure_of_the_network() -> None:
    async with loaded(failing(Fault.HANG)) as llm:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm.complete(asking()), 0.1)


async def test_a_port_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    llm = OpenAILLM(model="m", base_url=f"http://127.0.0.1:{port}/v1")
    await llm.load()
    try:
        with pytest.raises(NetworkFailed) as caught:
            await llm.complete(asking())
    finally:
        await llm.unload()

    assert caught.value.message == f"cannot connect to 127.0.0.1:{port}: Connection refused"


async def test_a_host_that_does_not_exist() -> None:
    llm = OpenAILLM(model="m", base_url="http://no-such-host.invalid/v1", api_key=KEY)
    await llm.load()
    try:
        with pytest.raises(NetworkFailed, match=r"the name 'no-such-host\.invalid' cannot be found"):
            await llm.complete(asking())
    finally:
        await llm.unload()


async def test_a_server_that_does_not_speak_http() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        llm = OpenAILLM(model="m", base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY)
        await llm.load()
        with pytest.raises(NetworkFailed, match="did not answer in HTTP") as caught:
            await llm.complete(asking())
        await llm.unload()

    assert caught.value.__cause__ is None  # its repr would show the key


async def test_https_where_the_server_speaks_http() -> None:
    async with loaded(FakeOpenAI()) as plain:
        llm = OpenAILLM(model="m", base_url=plain.endpoint.replace("http:", "https:"))
        await llm.load()
        with pytest.raises(NetworkFailed, match=r"cannot be trusted|cannot connect"):
            await llm.complete(asking())
        await llm.unload()


def choice(content: Any = None, reason: str = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **message}, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ({"choices": []}, EmptyReply, "it has no choices"),
        ({"object": "list"}, ServerFailed, "it has no list of choices"),
        (["text"], ServerFailed, "it is not an object"),
        ({"choices": [{"message": "text"}]}, EmptyReply, "no text (finish_reason None)"),
        (choice(None), EmptyReply, "no text (finish_reason 'stop')"),
        (choice(" \n"), EmptyReply, "no text (finish_reason 'stop')"),
        (choice("", "error"), ServerFailed, "no text (finish_reason 'error')"),
        (choice("", "content_filter"), ContentFiltered, "took the reply away"),
        (choice(None, refusal="I will not"), ContentFiltered, "refused to answer: I will not"),
        (choice("", "length"), BadRequest, "used up its tokens"),
        ({"error": {"code": 429, "message": "slow down"}}, RateLimited, "it said 429: slow down"),
        ({"error": {"code": "x", "message": "broken"}}, ServerFailed, "broken"),
    ],
)
async def test_an_answer_of_200_without_a_text(body: Any, error: type[LLMError], said: str) -> None:
    assert said in (await failure(answering(body=body), error)).message


@pytest.mark.parametrize(
    ("body", "error", "is_paid"),
    [
        ({"choices": []}, EmptyReply, True),
        (choice(None), EmptyReply, True),
        (choice("", "content_filter"), ContentFiltered, True),
        (choice(None, refusal="I will not"), ContentFiltered, True),
        (choice("", "length"), BadRequest, True),
        (choice("", "error"), ServerFailed, False),
    ],
)
async def test_a_reply_without_a_text_tells_what_it_used(body: Any, error: type[LLMError], is_paid: bool) -> None:
    usage = {"usage": {"prompt_tokens": 7, "completion_tokens": 5}}

    counted = await failure(answering(body={**body, **usage}), error)
    uncounted = await failure(answering(body=body), error)

    assert counted.usage == (Usage(7, 5) if is_paid else None)
    assert uncounted.usage is None
