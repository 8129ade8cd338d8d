"""Routes beside Gradio: what pages read while a run goes on, and files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app.api import assets, building, labels, lineage, pipelines, results, runs, starting, trying
from app.context import AppContext
from app.handlers.drafts import notice_of
from app.handlers.pipelines import NoPipeline
from app.handlers.strangers import without_folders
from flows.labelling.store import UnknownProject
from steps.errors import DistilflowError, RunError
from steps.registry import UnknownComponent


def add_routes(server: FastAPI, ctx: AppContext) -> None:
    """The API below /api and the app's own files below /own/<hash>."""
    server.include_router(assets.router())
    api = APIRouter(prefix="/api")
    for part in (building, pipelines, starting, trying, runs, results, lineage, labels):
        api.include_router(part.router(ctx))
    server.include_router(api)
    words = without_folders if ctx.is_public else str
    server.add_exception_handler(DistilflowError, partial(_answer, words))
    server.add_exception_handler(RequestValidationError, _misfit)
    server.add_exception_handler(Exception, _unexpected)


async def _answer(words: Callable[[str], str], request: Request, error: Exception) -> Response:
    assert isinstance(error, DistilflowError)
    status = 404 if isinstance(error, (RunError, UnknownComponent, NoPipeline, UnknownProject)) else 400
    said = notice_of(error)
    return JSONResponse({"error": words(said["what"]), "fix": words(said["fix"]), "code": error.code}, status)


async def _misfit(request: Request, error: Exception) -> Response:
    """What is wrong with a request, without repeating it: it may be large, or hold what JSON cannot."""
    assert isinstance(error, RequestValidationError)
    said = error.errors()[0]
    where = ".".join(str(part) for part in said["loc"])
    return JSONResponse({"error": f"{where}: {said['msg']}", "fix": "reload the page", "code": "bad-request"}, 422)


async def _unexpected(request: Request, error: Exception) -> Response:
    """For what nobody thought of. Starlette raises it again after this answer, so the server logs it with its traceback."""
    said = {"error": "something unexpected happened; it is in the server's log", "fix": "reload the page", "code": "unexpected"}
    return JSONResponse(said, 500)
