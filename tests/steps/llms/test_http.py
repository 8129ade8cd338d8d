"""Connections of the model clients: kept alive, through proxies, large bodies; and what importing costs."""

from __future__ import annotations

import asyncio
import base64
import gzip
import subprocess
import sys

import pytest
from aiohttp import web

from steps.components import BadParameters
from steps.errors import AuthFailed, BadRequest, NetworkFailed
from steps.llms import http
from steps.llms.addresses import find_proxy, host_and_port, is_loopback
from steps.llms.openai_llm import OpenAILLM
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running
from tests.steps.llms.serving import KEY, asking, loaded


async def test_connections_are_used_again() -> None:
    peers: set[object] = set()

    @web.middleware
    async def note_peer(request: web.Request, handler: object) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return await handler(request)  # type: ignore[operator, no-any-return]

    app = FakeOpenAI().build_app()
    app.middlewares.append(note_peer)
    async with loaded(app) as llm:
        for _ in range(5):
            await llm.complete(asking())

    assert len(peers) == 1


async def test_a_large_body_arrives_without_a_warning() -> None:
    fake = FakeOpenAI()
    async with loaded(fake) as llm:
        await llm.complete(asking("x" * 3_000_000))

    assert fake.stats.last_request is not None
    assert len(fake.stats.last_request["messages"][0]["content"]) == 3_000_000


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_reply_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, is_packed: bool) -> None:
    monkeypatch.setattr(http, "LARGEST_REPLY_BYTES", 100_000)

    async def answer(request: web.Request) -> web.Response:
        body = b'{"choices": [{"message": {"content": "%b"}}]}' % (b"x" * 200_000)
        headers = {"Content-Encoding": "gzip"} if is_packed else {}
        return web.Response(body=gzip.compress(body) if is_packed else body, content_type="application/json", headers=headers)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with loaded(app) as llm:
        with pytest.raises(BadRequest, match="more than"):
            await llm.complete(asking())


async def test_a_request_goes_through_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str | None, str | None]] = []

    async def forward(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append((str(request.url), headers.get("Proxy-Authorization"), headers.get("Authorization")))
        return web.json_response({"choices": [{"message": {"content": "by proxy"}}]})

    proxy = web.Application()
    proxy.router.add_route("*", "/{path:.*}", forward)
    with running(proxy) as url:
        monkeypatch.setenv("http_proxy", url.replace("://", "://me:secret@"))
        llm = OpenAILLM(model="m", base_url="http://models.test/v1", api_key=KEY)
        await llm.load()
        monkeypatch.delenv("http_proxy")  # it was looked up once
        texts = [(await llm.complete(asking())).texts for _ in range(2)]
        await llm.unload()

    login = "Basic " + base64.b64encode(b"me:secret").decode()
    assert texts == [["by proxy"], ["by proxy"]]
    assert seen == [("http://models.test/v1/chat/completions", login, f"Bearer {KEY}")] * 2


async def test_a_proxy_that_is_not_there_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:hunter2@127.0.0.1:1")
    llm = OpenAILLM(model="m", base_url="http://models.test/v1", api_key=KEY)
    await llm.load()
    with pytest.raises(NetworkFailed, match=r"cannot connect to the proxy 127\.0\.0\.1:1 on the way to") as caught:
        await llm.complete(asking())
    await llm.unload()

    assert "hunter2" not in str(caught.value)


async def test_a_proxy_that_refuses_the_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=407)

    proxy = web.Application()
    proxy.router.add_route("*", "/{path:.*}", refuse)
    with running(proxy) as url:
        monkeypatch.setenv("https_proxy", url)
        llm = OpenAILLM(model="m", base_url="https://models.test/v1", api_key=KEY)
        await llm.load()
        with pytest.raises(NetworkFailed) as caught:
            await llm.complete(asking())
        await llm.unload()

    assert "through the proxy 127.0.0.1" in caught.value.message


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        ({}, "https://api.openai.com/v1", None),
        ({"https_proxy": "http://p:3128"}, "https://api.openai.com/v1", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https://api.openai.com/v1", "http://p:3128"),
        ({"all_proxy": "http://p:3128"}, "https://api.openai.com/v1", "http://p:3128"),
        ({"https_proxy": "http://p:3128", "no_proxy": ".openai.com"}, "https://api.openai.com/v1", None),
        ({"http_proxy": "http://p:3128"}, "http://localhost:8000/v1", None),
    ],
    ids=["none", "scheme", "no-scheme", "all", "excepted", "this-machine"],
)
def test_the_proxy_for_an_address(
    variables: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert find_proxy(url) == expected


def test_a_socks_proxy_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://p:1080")

    assert OpenAILLM(model="m", api_key=KEY).problems() == [
        "the proxy variables name a socks5 proxy; only http proxies can be used"
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]:80/v1", True),
        ("http://0.0.0.0:80/v1", True),
        ("http://127.0.0.1.evil.test/v1", False),
        ("http://10.0.0.1/v1", False),
    ],
)
def test_which_addresses_are_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_host_and_port() -> None:
    assert host_and_port("https://api.openai.com/v1") == "api.openai.com:443"
    assert host_and_port("http://gpu:8000") == "gpu:8000"


def test_importing_the_clients_imports_neither_aiohttp_nor_openai() -> None:
    code = (
        "import sys, steps.llms.openai_llm, steps.llms.replay_llm\n"
        "print([name for name in ('aiohttp', 'openai', 'prefect', 'yarl') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "answer", [b"Authorization: Bearer %b\r\n\r\n", b"HTTP/1.1 abc %b\r\n\r\n", b"HTTP/1.1 200 OK\r\n%b\r\n\r\n"]
)
async def test_a_server_that_sends_the_key_back_instead_of_http_does_not_get_it_into_a_message(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer % KEY.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    llm = OpenAILLM(model="m", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", api_key=KEY)
    async with server:
        await llm.load()
        with pytest.raises(NetworkFailed, match="did not answer in HTTP") as caught:
            await llm.complete(asking())
        await llm.unload()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("host", ["my..host", f"{'a' * 64}.example"])
def test_an_address_with_a_name_that_no_host_has_is_told_before_anything_is_sent(host: str) -> None:
    [problem] = OpenAILLM(model="m", base_url=f"http://{host}/v1", api_key=KEY).problems()
    assert "base_url is not an address" in str(problem)


@pytest.mark.parametrize("url", ["https://llm.example.org/v1?api_key=hunter2hunter2", "https://me:hunter2@llm.example.org/v1"])
def test_a_key_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadParameters, match="base_url holds a") as caught:
        OpenAILLM(model="m", base_url=url)
    assert "hunter2" not in str(caught.value)
    OpenAILLM(model="m", base_url="https://llm.example.org/v1?api-version=2024-10-21")


@pytest.mark.parametrize("headers", [{"X-Team": "${TEAM}"}, {"X-Team": "a\x00b"}, {"X\nTeam": "red"}, {"": "red"}])
async def test_a_header_that_cannot_be_sent_is_told(headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "hunter2\nblue")
    llm = OpenAILLM(model="m", base_url="http://127.0.0.1:9/v1", default_headers=headers)
    [problem] = llm.problems()
    assert "header" in str(problem)
    assert "hunter2" not in str(problem)
    with pytest.raises(AuthFailed, match="header"):
        await llm.load()
