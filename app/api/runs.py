"""What Run reads: all runs, one of them, and what happens in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.api.replies import SECURITY, look
from app.context import AppContext
from app.handlers import cards, following, watching

LARGEST = 2**62


def router(ctx: AppContext) -> APIRouter:
    """Routes below /runs that show runs at work."""
    found = APIRouter(prefix="/runs")

    @found.get("")
    async def runs(ids: str = "") -> Response:
        # on a public server people see the runs whose ids they know, and no others
        return await look(watching.list_runs, ctx.store, ids.split(",")[: watching.RUNS_LISTED] if ctx.is_public else None)

    @found.get("/{run_id}")
    async def run(run_id: str) -> Response:
        return await look(watching.run_view, ctx.started(run_id), ctx.prefect_url)

    @found.get("/{run_id}/pipeline")
    async def pipeline(run_id: str) -> Response:
        return await look(watching.pipeline_text, ctx.started(run_id))

    @found.get("/{run_id}/rows")
    async def rows(run_id: str, step: str) -> Response:
        return await look(watching.newest_rows, ctx.started(run_id), step)

    @found.get("/{run_id}/events")
    async def events(request: Request, run_id: str, start: int = 0, step: str | None = None) -> Response:
        last = request.headers.get("last-event-id", "")
        offset = min(int(last) if last.isdecimal() and len(last) < 20 else max(0, start), LARGEST)
        stream = _as_sse(following.follow(ctx.started(run_id), offset, step))
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", **SECURITY}
        )

    @found.get("/{run_id}/log")
    async def log(run_id: str) -> Response:
        return await look(cards.log_text, ctx.started(run_id))

    return found


async def _as_sse(messages: AsyncIterator[following.Message]) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for message in messages:
        head = f"event: {message.kind}\n" + (f"id: {message.offset}\n" if message.offset is not None else "")
        yield head.encode() + b"data: " + orjson.dumps(message.data, default=str) + b"\n\n"
