"""Routes beside Gradio: what pages read while a run goes on, and files."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from app.api import assets, building, lineage, pipelines, results, runs, starting, trying
from app.context import AppContext
from app.handlers.pipelines import NoPipeline
from steps.errors import DistilflowError, RunError
from steps.registry import UnknownComponent


def add_routes(server: FastAPI, ctx: AppContext) -> None:
    """The API below /api and the app's own files below /own/<hash>."""
    server.include_router(assets.router())
    api = APIRouter(prefix="/api")
    for part in (building, pipelines, starting, trying, runs, results, lineage):
        api.include_router(part.router(ctx))
    server.include_router(api)
    server.add_exception_handler(DistilflowError, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, DistilflowError)
    status = 404 if isinstance(error, (RunError, UnknownComponent, NoPipeline)) else 400
    return JSONResponse({"error": error.message, "fix": error.fix, "code": error.code}, status)
