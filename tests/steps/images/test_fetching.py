from __future__ import annotations

import socket
from typing import Any

import pytest
from aiohttp import web

from steps.errors import LLMError
from steps.images.fetching import fetch_image
from tests.fakes.serving import running


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9/a.png",
        "http://localhost/a.png",
        "http://[::1]/a.png",
        "file:///etc/passwd",
        "nonsense",
    ],
)
async def test_a_server_does_not_send_us_looking_around_in_our_own_network(url: str) -> None:
    with pytest.raises(LLMError) as caught:
        await fetch_image(url, "https://api.example.org/v1", 5)

    assert not caught.value.is_retryable
    assert "b64_json" in caught.value.fix


@pytest.mark.parametrize("host", ["pictures.example", "[64:ff9b::7f00:1]"])
async def test_a_name_of_an_address_in_our_own_network_is_not_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    look_up = socket.getaddrinfo

    def answer_for_names(name: str, *more: Any, **others: Any) -> Any:
        return look_up("127.0.0.1" if name == "pictures.example" else name, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", answer_for_names)

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=b"\x89PNG\r\n\x1a\n")

    app = web.Application()
    app.router.add_get("/a.png", answer)
    with running(app) as url, pytest.raises(LLMError, match="inside of this network"):
        await fetch_image(url.replace("127.0.0.1", host) + "/a.png", "https://api.example.org/v1", 5)
    assert not asked


@pytest.mark.parametrize("url", ["http://[::1", "http://example.org:99999/a", "http://a..b/a", "http://\ud83d/a"])
async def test_an_address_that_is_none_is_told_in_words(url: str) -> None:
    with pytest.raises(LLMError, match="address of the image is none") as caught:
        await fetch_image(url, "https://api.example.org/v1", 5)
    assert not caught.value.is_retryable
