"""What the menu of pipelines reads, and the canvas before Gradio is there."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from app.api.replies import look
from app.context import AppContext
from app.handlers import drafts
from app.handlers.pipelines import NoPipeline, Pipelines


def router(ctx: AppContext) -> APIRouter:
    """Routes below /pipelines. On a public server there is nothing: each browser keeps its own."""
    found = APIRouter(prefix="/pipelines")

    def folder() -> Pipelines:
        if ctx.pipelines is None:
            raise NoPipeline("this server keeps no pipelines", "each browser keeps its own")
        return ctx.pipelines

    @found.get("")
    async def pipelines() -> Response:
        return await look(folder().entries)

    @found.get("/{name}/view")
    async def view(name: str) -> Response:
        return await look(lambda: drafts.view(ctx.shelf.find(name)))

    @found.get("/{name}")
    async def version(name: str) -> Response:
        def told() -> dict[str, Any]:
            return {"name": name, "version": folder().version(name)}

        return await look(told)

    return found
