"""Routes beside Gradio: what pages read while a run goes on, and files."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from app.context import AppContext
from app.handlers import gallery, launching, results, watching
from app.handlers.palette import palette
from flows.runs import RunFolder
from steps.errors import DistilflowError, RunError

STATIC = Path(__file__).parent / "static"
LARGEST = 2**62
FOREVER = "public, max-age=31536000, immutable"
SECURITY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def add_routes(server: FastAPI, ctx: AppContext) -> None:
    """The API below /api and the app's own files below /assets-<hash>."""
    server.include_router(_assets())
    server.include_router(_api(ctx))

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, DistilflowError)
        status = 404 if isinstance(error, RunError) else 400
        return JSONResponse({"error": error.message, "fix": error.fix, "code": error.code}, status)

    server.add_exception_handler(DistilflowError, answer)


# ---- own files


@cache
def assets_path() -> str:
    """Where the page finds scripts and styles: a path that changes with their content, so browsers may keep them."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return f"own/{digest.hexdigest()[:12]}"


@cache
def _own_files() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir() if path.is_file())


def _assets() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/own/{version}/{name}")
    def asset(version: str, name: str) -> Response:
        if name not in _own_files():
            return Response(status_code=404)
        path = STATIC / name
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        is_current = version == assets_path().rpartition("/")[2]
        caching = FOREVER if is_current else "no-store"
        return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": caching, **SECURITY})

    return router


# ---- data


def _api(ctx: AppContext) -> APIRouter:
    router = APIRouter(prefix="/api")

    def find(run_id: str) -> RunFolder:
        return launching.find_run(ctx.store, run_id)

    async def look(function: Callable[..., Any], *arguments: Any) -> Response:
        found = await run_in_threadpool(function, *arguments)
        return Response(orjson.dumps(found, default=str), media_type="application/json", headers=SECURITY)

    @router.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", "prefect": ctx.prefect_url}

    @router.get("/examples")
    async def examples() -> Response:
        return await look(gallery.examples, ctx.examples_dir)

    @router.get("/catalogue")
    async def catalogue() -> Response:
        return await look(palette)

    @router.get("/runs")
    async def runs() -> Response:
        return await look(watching.list_runs, ctx.store)

    @router.get("/runs/{run_id}")
    async def run(run_id: str) -> Response:
        return await look(watching.run_view, find(run_id), ctx.prefect_url)

    @router.get("/runs/{run_id}/rows")
    async def rows(run_id: str, step: str) -> Response:
        return await look(watching.newest_rows, find(run_id), step)

    @router.get("/runs/{run_id}/events")
    async def events(request: Request, run_id: str, start: int = 0, step: str | None = None) -> Response:
        last = request.headers.get("last-event-id", "")
        offset = min(int(last) if last.isdecimal() else max(0, start), LARGEST)
        stream = _as_sse(watching.follow(find(run_id), offset, step))
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", **SECURITY}
        )

    @router.get("/runs/{run_id}/data")
    async def data(run_id: str, part: str | None = None, page: int = 1) -> Response:
        return await look(results.page, find(run_id), part, page)

    @router.get("/runs/{run_id}/data/row")
    async def row(run_id: str, part: str, index: int) -> Response:
        return await look(results.whole_row, find(run_id), part, index)

    @router.get("/runs/{run_id}/quarantine")
    async def quarantine(run_id: str) -> Response:
        return await look(results.quarantine, find(run_id))

    @router.get("/runs/{run_id}/card")
    async def card(run_id: str) -> Response:
        return await look(lambda run: {"html": results.card_html(run)}, find(run_id))

    @router.get("/runs/{run_id}/log")
    async def log(run_id: str) -> Response:
        return await look(results.log_text, find(run_id))

    @router.get("/runs/{run_id}/download")
    async def download(run_id: str) -> Response:
        path = await run_in_threadpool(results.zip_result, find(run_id))
        cleaning = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", filename=f"{run_id}.zip", background=cleaning, headers=SECURITY)

    return router


async def _as_sse(messages: AsyncIterator[watching.Message]) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for message in messages:
        head = f"event: {message.kind}\n" + (f"id: {message.offset}\n" if message.offset is not None else "")
        yield head.encode() + b"data: " + orjson.dumps(message.data, default=str) + b"\n\n"
