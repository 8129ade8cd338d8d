"""What a page asks before it opens a pipeline: what an import is, what the Hub has, what a model drafts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from app.api.replies import SECURITY, from_our_page, look
from app.context import AppContext
from app.handlers import starting

AT_ONCE = 4
"""Drafts, and looks at the Hub, at the same time."""
Short = Annotated[str, Field(max_length=500)]


class Text(BaseModel):
    """A pipeline as text."""

    text: Annotated[str, Field(max_length=12_000_000)]


class OnHub(BaseModel):
    """A data set on the Hub."""

    source: Short
    config: Short = ""
    split: Short = ""
    wanted: Literal["pipeline", "rows"]


class Wish(BaseModel):
    """A description, and the model that is to draft it."""

    use: Short
    model: Short = ""
    base_url: Short = ""
    text: Annotated[str, Field(max_length=100_000)] = ""
    sample: Annotated[str, Field(max_length=12_000_000)] = ""


def router(ctx: AppContext) -> APIRouter:
    """Routes below /start. Nothing is saved and nothing of a pipeline runs."""
    found = APIRouter(prefix="/start", dependencies=[Depends(from_our_page)])
    turns = asyncio.Semaphore(AT_ONCE)

    @found.post("/import")
    async def imported(asked: Text) -> Response:
        return await look(starting.look_at_text, asked.text)

    @found.post("/hub")
    async def hub(asked: OnHub) -> Response:
        async with turns:
            if asked.wanted == "pipeline":
                return await look(starting.look_at_hub_pipeline, asked.source, ctx.is_public)
            return await look(starting.look_at_hub_rows, asked.source, asked.config, asked.split, ctx.is_public)

    @found.post("/quote")
    async def quote(asked: Wish) -> Response:
        return await look(starting.quote, asked.model_dump(), ctx.is_public)

    @found.post("/draft")
    async def draft(asked: Wish) -> Response:
        async with turns:
            made: dict[str, Any] = await starting.draft_pipeline(asked.model_dump(), ctx.runs_dir, ctx.is_public)
        return Response(orjson.dumps(made, default=str), media_type="application/json", headers=SECURITY)

    return found
