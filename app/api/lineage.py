"""What tells where rows came from, and what was asked on the way."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.api.replies import look
from app.context import AppContext
from app.handlers import lineage
from flows.lineage.model import Only


def router(ctx: AppContext) -> APIRouter:
    """Routes below /runs/<id> about single rows and requests."""
    found = APIRouter(prefix="/runs/{run_id}")

    @found.get("/why")
    async def why(run_id: str, part: str = "default / train", index: int = 0) -> Response:
        return await look(lineage.why_view, ctx.begun(run_id), part, index)

    @found.get("/asked")
    async def asked(run_id: str, step: str, page: int = 1) -> Response:
        return await look(lineage.asked_page, ctx.begun(run_id), step, page)

    @found.get("/compare/{other}")
    async def compare(run_id: str, other: str, part: str | None = None, page: int = 1, only: Only = "all") -> Response:
        return await look(lineage.compare_page, ctx.begun(run_id), ctx.begun(other), part, page, only)

    return found
