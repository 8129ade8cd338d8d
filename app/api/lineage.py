"""What tells where rows came from, and what was asked on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from app.api.replies import look
from app.context import AppContext
from app.handlers import launching, lineage
from flows.lineage.compare import Only
from flows.runs import RunFolder
from steps.errors import RunError


def router(ctx: AppContext) -> APIRouter:
    """Routes below /runs/<id> about single rows and requests."""
    found = APIRouter(prefix="/runs/{run_id}")

    def find(run_id: str) -> RunFolder:
        return launching.find_run(ctx.store, run_id)

    @found.get("/why")
    async def why(run_id: str, part: str = "default / train", index: int = 0) -> Response:
        return await look(readable(lineage.why_view), find(run_id), part, index)

    @found.get("/asked")
    async def asked(run_id: str, step: str, page: int = 1) -> Response:
        return await look(lineage.asked_page, find(run_id), step, page)

    @found.get("/compare/{other}")
    async def compare(run_id: str, other: str, part: str | None = None, page: int = 1, only: Only = "all") -> Response:
        return await look(readable(lineage.compare_page), find(run_id), find(other), part, page, only)

    return found


def readable(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The same, but that a torn or missing file of a run is told in words."""

    def told(*arguments: Any) -> dict[str, Any]:
        import pyarrow as pa

        try:
            return function(*arguments)
        except (OSError, pa.ArrowException) as error:
            said = str(error).splitlines()[0].rpartition("/")[2][:120] if str(error) else type(error).__name__
            fix = "wait until the run has a result; if it has one, its file is torn: run the pipeline again under the same id"
            raise RunError(f"a file of the run cannot be read ({said})", fix) from error

    return told
