"""Routes beside Gradio: what pages read while a run goes on, and files."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from app.api import assets, building, lineage, results, runs, trying
from app.context import AppContext
from steps.errors import DistilflowError, RunError


def add_routes(server: FastAPI, ctx: AppContext) -> None:
    """The API below /api and the app's own files below /own/<hash>."""
    server.include_router(assets.router())
    api = APIRouter(prefix="/api")
    for part in (building, trying, runs, results, lineage):
        api.include_router(part.router(ctx))
    server.include_router(api)
    server.add_exception_handler(DistilflowError, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, DistilflowError)
    status = 404 if isinstance(error, RunError) else 400
    return JSONResponse({"error": error.message, "fix": error.fix, "code": error.code}, status)
