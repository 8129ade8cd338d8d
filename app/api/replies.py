"""How routes answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import Response
from starlette.concurrency import run_in_threadpool

SECURITY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


async def look(function: Callable[..., Any], *arguments: Any) -> Response:
    """What a function finds, looked for in a thread, as JSON."""
    found = await run_in_threadpool(function, *arguments)
    return Response(orjson.dumps(found, default=str), media_type="application/json", headers=SECURITY)
