"""Trying a pipeline before it runs: a few rows, and what all of them would take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from app.api.replies import from_our_page, look
from app.context import AppContext
from app.handlers import checking, estimating, previews, staleness
from app.handlers.apart import apart
from flows.spec import read_spec
from steps.errors import SpecError

AT_ONCE = 4
"""Samples that run at the same time."""


class Asked(BaseModel):
    """A pipeline as text, and how far to try it."""

    text: Annotated[str, Field(max_length=10_000_000)]
    step: Annotated[str | None, Field(max_length=200)] = None
    with_models: bool = False


def router(ctx: AppContext) -> APIRouter:
    """Previews, estimates, checks of models, and what earlier runs have done already."""
    found = APIRouter(dependencies=[Depends(from_our_page)])
    turns = asyncio.Semaphore(AT_ONCE)

    def allowed(text: str) -> None:
        with suppress(SpecError):  # what is no pipeline is told by what is asked for
            ctx.allow(read_spec(text)[0])

    async def in_turn(function: Callable[..., Any], *arguments: Any) -> Response:
        call = partial(apart, function) if ctx.is_public else function
        async with turns:
            return await look(call, *arguments)

    @found.post("/preview")
    async def preview(asked: Asked) -> Response:
        allowed(asked.text)
        return await in_turn(previews.preview_text, asked.text, ctx.runs_dir, asked.step)

    @found.post("/estimate")
    async def estimate(asked: Asked) -> Response:
        allowed(asked.text)
        return await in_turn(partial(estimating.estimate_text, with_models=asked.with_models), asked.text, ctx.runs_dir)

    @found.post("/check")
    async def check(asked: Asked) -> Response:
        allowed(asked.text)
        return await in_turn(checking.check_text, asked.text)

    @found.post("/staleness")
    async def stale(asked: Asked) -> Response:
        allowed(asked.text)
        return await in_turn(staleness.staleness, asked.text, ctx.earlier_runs)

    return found
