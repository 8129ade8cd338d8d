"""What Data reads and changes: the rows of a run's result, what was changed by hand, its quarantine, and files of it."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Body, Depends, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from app.api.replies import SECURITY, from_our_page, look
from app.context import AppContext
from app.handlers import artifacts, cards, downloads, hand_edits, push_checks, quarantined, results, statistics
from app.handlers.selecting import Query, parse_query

LARGEST = 2**53
ANY_KIND = "application/octet-stream"
ALONE = {"Content-Security-Policy": "sandbox; default-src 'none'"}
"""Of a file that somebody's step wrote: were a browser to show it, it could reach nothing of the page."""


class EditedRow(BaseModel):
    """A row as it was typed; values that were not touched may be left out."""

    part: str
    index: int = Field(ge=0, le=LARGEST)
    seen: str
    values: dict[str, str | None]


class DroppedRow(BaseModel):
    part: str
    index: int = Field(ge=0, le=LARGEST)


def asked(search: str = "", filters: str = "", sort: str = "") -> Query:
    """The query of an address."""
    return parse_query(search, filters, sort)


Asked = Annotated[Query, Depends(asked)]


def router(ctx: AppContext) -> APIRouter:
    """Routes below /runs/<id> that show what came out."""
    found = APIRouter(prefix="/runs/{run_id}")
    changing = [Depends(from_our_page)]

    @found.get("/data")
    async def data(run_id: str, query: Asked, part: str | None = None, page: int = 1, columns: str = "") -> Response:
        return await look(results.page, ctx.begun(run_id), part, min(page, LARGEST), query, _names(columns))

    @found.get("/data/row")
    async def row(run_id: str, query: Asked, part: str, index: int) -> Response:
        return await look(results.whole_row, ctx.begun(run_id), part, min(index, LARGEST), query)

    @found.get("/data/statistics")
    async def column(run_id: str, column: str, part: str | None = None) -> Response:
        return await look(statistics.column_statistics, ctx.begun(run_id), part, column)

    @found.get("/data/form")
    async def form(run_id: str, part: str, index: int) -> Response:
        return await look(hand_edits.form_of, ctx.begun(run_id), part, min(index, LARGEST))

    @found.post("/data/edit", dependencies=changing)
    async def edit(run_id: str, edited: EditedRow) -> Response:
        try:
            return await look(hand_edits.save_row, ctx.begun(run_id), edited.part, edited.index, edited.seen, edited.values)
        except hand_edits.NotEdited as error:
            return Response(orjson.dumps({"error": error.message, "of": error.of}), 422, SECURITY, "application/json")

    @found.post("/data/drop", dependencies=changing)
    async def drop(run_id: str, dropped: DroppedRow) -> Response:
        return await look(hand_edits.drop_row, ctx.begun(run_id), dropped.part, dropped.index)

    @found.get("/changes")
    async def changes(run_id: str) -> Response:
        return await look(hand_edits.list_changes, ctx.begun(run_id))

    @found.post("/changes/undo", dependencies=changing)
    async def undo(run_id: str, change: Annotated[str, Body(embed=True)]) -> Response:
        return await look(hand_edits.undo_change, ctx.begun(run_id), change)

    @found.get("/quarantine")
    async def quarantine(run_id: str) -> Response:
        return await look(quarantined.quarantine, ctx.begun(run_id))

    @found.get("/card")
    async def card(run_id: str) -> Response:
        return await look(lambda run: {"html": cards.card_html(run)}, ctx.begun(run_id))

    @found.get("/artifacts")
    async def of_steps(run_id: str) -> Response:
        return await look(artifacts.list_artifacts, ctx.begun(run_id))

    @found.get("/artifacts/file")
    async def artifact(run_id: str, step: str, name: str, file: str) -> Response:
        path, kind = await run_in_threadpool(artifacts.find_file, ctx.begun(run_id), step, name, file)
        how = "inline" if kind else "attachment"
        return FileResponse(
            path, filename=path.name, media_type=kind or ANY_KIND, content_disposition_type=how, headers=SECURITY | ALONE
        )

    @found.get("/push-checks")
    async def checks(run_id: str) -> Response:
        return await look(push_checks.checks, ctx.begun(run_id))

    @found.get("/download")
    async def download(run_id: str) -> Response:
        path = await run_in_threadpool(downloads.zip_result, ctx.begun(run_id))
        cleaning = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", filename=f"{run_id}.zip", background=cleaning, headers=SECURITY)

    @found.get("/download/{form}")
    async def rows(run_id: str, form: downloads.Format, query: Asked, part: str | None = None) -> Response:
        lines = await run_in_threadpool(downloads.stream_rows, ctx.begun(run_id), part, query, form)
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/jsonl"
        name = f'attachment; filename="{run_id}.{form}"'
        return StreamingResponse(lines, media_type=kind, headers={**SECURITY, "Content-Disposition": name})

    return found


def _names(columns: str) -> list[str]:
    """The columns of an address, as JSON; all of them when it is none."""
    try:
        names = orjson.loads(columns) if columns else []
    except orjson.JSONDecodeError:
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
