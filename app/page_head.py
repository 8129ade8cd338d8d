"""Own elements in the head of the page, before everything of Gradio's."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PageHead:
    """Writes `elements` to the start of the page's head.

    What `gr.Blocks` takes as `head` is added by Gradio's scripts when they are already at work: too late for a script that has
    to stand before their first request, and a page without its styles until then.
    """

    def __init__(self, app: ASGIApp, elements: str) -> None:
        self._app = app
        self._elements = elements.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        page = _Page(send, self._elements)
        await self._app({**scope, "headers": plain}, receive, page.send)


class _Page:
    def __init__(self, send: Send, elements: bytes) -> None:
        self._send = send
        self._elements = elements
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body") or self._start is None:
            return
        body = bytes(self._body).replace(b"<head>", b"<head>" + self._elements, 1)
        MutableHeaders(raw=self._start["headers"])["content-length"] = str(len(body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})
