"""What Data reads: the result of a run and its quarantine."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from app.api.replies import SECURITY, look
from app.context import AppContext
from app.handlers import launching, results
from flows.runs import RunFolder


def router(ctx: AppContext) -> APIRouter:
    """Routes below /runs/<id> that show what came out."""
    found = APIRouter(prefix="/runs/{run_id}")

    def find(run_id: str) -> RunFolder:
        return launching.find_run(ctx.store, run_id)

    @found.get("/data")
    async def data(run_id: str, part: str | None = None, page: int = 1) -> Response:
        return await look(results.page, find(run_id), part, page)

    @found.get("/data/row")
    async def row(run_id: str, part: str, index: int) -> Response:
        return await look(results.whole_row, find(run_id), part, index)

    @found.get("/quarantine")
    async def quarantine(run_id: str) -> Response:
        return await look(results.quarantine, find(run_id))

    @found.get("/card")
    async def card(run_id: str) -> Response:
        return await look(lambda run: {"html": results.card_html(run)}, find(run_id))

    @found.get("/download")
    async def download(run_id: str) -> Response:
        path = await run_in_threadpool(results.zip_result, find(run_id))
        cleaning = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", filename=f"{run_id}.zip", background=cleaning, headers=SECURITY)

    return found
