"""What Labels reads, and what reviewers do there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.api.replies import SECURITY, from_our_page, look
from app.context import AppContext
from app.handlers import watching
from app.handlers.labels import files, making, showing
from app.handlers.labels.acts import AnyAct, Settings
from flows.labelling.exporting import Form, Segment, What
from flows.labelling.rounds import Order
from steps.labels.questions import Question

MOST_VERSION = 10**6
Name = Annotated[str, Field(max_length=200)]


class Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Text(Sent):
    """A file that was read in the page."""

    text: str
    file: Name = ""


class NewProject(Text):
    name: Name = ""
    question: Question = Question()


class OfRun(Sent):
    run: Name
    leaf: Name | None = None


def segment_of(rounds: str = "", annotator: str = "", column: str = "", value: str = "") -> Segment | None:
    """The part of a project that an address asks for; None for the open round."""
    numbers = tuple(int(one) for one in rounds.split(",") if one.isdecimal() and len(one) < 10)
    if not (rounds or annotator or (column and value)):
        return None
    return Segment(numbers, (annotator,) if annotator else (), column, value)


Asked = Annotated[Segment | None, Depends(segment_of)]


def router(ctx: AppContext) -> APIRouter:
    """Routes below /labels."""
    found = APIRouter(prefix="/labels")
    changing = [Depends(from_our_page)]

    @found.get("")
    async def projects(names: str = "") -> Response:
        # on a public server people see the projects whose names they know, and no others
        return await look(making.entries, ctx.labels, names.split(",")[:100] if ctx.is_public else None)

    @found.get("/runs")
    async def runs(ids: str = "") -> Response:
        known = set(ids.split(",")[: watching.RUNS_LISTED]) if ctx.is_public else None
        return await look(making.runs_to_review, ctx.store, ctx.labels, known)

    @found.get("/of-run/{run_id}")
    async def of_run(run_id: str) -> Response:
        return await look(making.project_of_run, ctx.begun(run_id), ctx.labels)

    @found.post("/look", dependencies=changing)
    async def look_at(told: Text) -> Response:
        return await look(making.looked_at, told.text, told.file)

    @found.post("", dependencies=changing)
    async def create(told: NewProject) -> Response:
        def made() -> dict[str, Any]:
            return {"name": ctx.making.from_text(told.name, told.text, told.file, told.question).name}

        return await look(made)

    @found.post("/from-run", dependencies=changing)
    async def from_run(told: OfRun) -> Response:
        def made() -> dict[str, Any]:
            return {"name": ctx.making.from_run(ctx.begun(told.run), told.leaf).name}

        return await look(made)

    @found.get("/{name}")
    async def project(name: str, segment: Asked, reviewer: str = "", order: Order = "gain") -> Response:
        def shown() -> dict[str, Any]:
            found = ctx.labels.get(name)
            job = ctx.learners.of(found)
            return showing.overview(found, ctx.labels.gains(name), job, reviewer, segment=segment, order=order)

        return await look(shown)

    @found.get("/{name}/item")
    async def item(name: str, item: str, reviewer: str = "") -> Response:
        return await look(lambda: showing.item_view(ctx.labels.get(name), ctx.labels.gains(name), item, reviewer))

    @found.post("/{name}/act", dependencies=changing)
    async def act(name: str, told: AnyAct) -> Response:
        return await look(lambda: told.on(ctx.labels.get(name), ctx.labels.gains(name)))

    @found.post("/{name}/learn", dependencies=changing)
    async def learn(name: str) -> Response:
        return await look(lambda: ctx.learners.start(name, opens_round=True).told())

    @found.post("/{name}/rows", dependencies=changing)
    async def rows(name: str, told: Text) -> Response:
        return await look(lambda: ctx.making.add_text(ctx.labels.get(name), told.text, told.file))

    @found.post("/{name}/settings", dependencies=changing)
    async def settings(name: str, told: Settings) -> Response:
        return await look(lambda: told.on(ctx.labels.get(name)))

    @found.post("/{name}/delete", dependencies=changing)
    async def delete(name: str) -> Response:
        return await look(ctx.labels.delete, name)

    @found.post("/{name}/restore", dependencies=changing)
    async def restore(name: str) -> Response:
        return await look(lambda: {"name": ctx.labels.restore(name).name})

    @found.get("/{name}/compare")
    async def compare(
        name: str,
        one: Annotated[int, Field(ge=1, le=MOST_VERSION)],
        other: Annotated[int, Field(ge=1, le=MOST_VERSION)],
    ) -> Response:
        return await look(lambda: showing.compared(ctx.labels.get(name), one, other))

    @found.get("/{name}/export/{what}.{form}")
    async def export(name: str, what: What, form: Form, segment: Asked) -> Response:
        return _file(await run_in_threadpool(lambda: files.export(ctx.labels.get(name), what, form, segment)))

    @found.get("/{name}/onboarding.{form}")
    async def onboarding(name: str, form: files.PageForm) -> Response:
        return _file(await run_in_threadpool(lambda: files.onboarding(ctx.labels.get(name), form)))

    @found.get("/{name}/strategy.json")
    async def strategy(name: str, version: Annotated[int, Field(ge=1, le=MOST_VERSION)]) -> Response:
        return _file(await run_in_threadpool(lambda: files.strategy(ctx.labels.get(name), version)))

    return found


def _file(found: files.File) -> Response:
    headers = {**SECURITY, "Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.content, media_type=found.kind, headers=headers)
