"""What Build and the gallery read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from app.api.replies import look
from app.context import AppContext
from app.handlers import gallery
from app.handlers.docs import docs_of
from app.handlers.palette import palette


def router(ctx: AppContext) -> APIRouter:
    """Health, examples and the catalogue of steps."""
    found = APIRouter()

    @found.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", "prefect": ctx.prefect_url}

    @found.get("/examples")
    async def examples() -> Response:
        return await look(gallery.examples, ctx.examples_dir)

    @found.get("/catalogue")
    async def catalogue() -> Response:
        return await look(palette)

    @found.get("/catalogue/{name}")
    async def documentation(name: Annotated[str, Path(max_length=300)]) -> Response:
        return await look(docs_of, name)

    return found
