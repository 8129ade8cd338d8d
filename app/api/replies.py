"""How routes answer, and whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from fastapi import HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

SECURITY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


async def look(function: Callable[..., Any], *arguments: Any) -> Response:
    """What a function finds, looked for in a thread, as JSON."""
    found = await run_in_threadpool(function, *arguments)
    return Response(orjson.dumps(found, default=str), media_type="application/json", headers=SECURITY)


async def from_our_page(request: Request) -> None:
    """Refuse what another site's page sends: only JSON, which needs a leave that is never given, and only from this address."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    origin = request.headers.get("origin")
    hosts = (request.headers.get("host"), request.headers.get("x-forwarded-host"))  # a proxy may keep the address for itself
    is_ours = origin is None or urlsplit(origin).netloc in hosts
    if kind != "application/json" or not is_ours or request.headers.get("sec-fetch-site") == "cross-site":
        raise HTTPException(403, "this can be asked from the app's own page only")
