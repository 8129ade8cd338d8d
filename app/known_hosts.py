"""Whom the server takes itself for: a page of another site can give its own name to this machine's address."""

from __future__ import annotations

import ipaddress
import os
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = "DISTILFLOW_HOSTS"
"""Variable with further names of this server, with commas between them: those of a proxy, say."""


class KnownHosts:
    """Answers only requests to an address, to this machine's own names, and to those in $DISTILFLOW_HOSTS (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        told = [os.environ.get("SPACE_HOST", ""), *os.environ.get(HOSTS, "").split(",")]
        self._names = {"localhost", socket.gethostname().lower(), *(name.strip().lower() for name in told)} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] in ("http", "websocket") else ""
        if not host or self.knows(host):
            await self._app(scope, receive, send)
            return
        said = f"This server does not go by the name {host[:200]!r}. If it should, start it with {HOSTS}={host[:200]}\n"
        await PlainTextResponse(said, 421)(scope, receive, send)

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names or name.endswith(".localhost")
        return True
