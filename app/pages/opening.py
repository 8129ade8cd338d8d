"""How a pipeline is opened in Build: by the address, from the menu of pipelines, from the Gallery, by an import."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.components.parts import part
from app.context import AppContext
from app.handlers import drafts
from app.handlers.drafts import Draft, new_draft
from app.handlers.opening import opening_from, reopened
from app.pages.build import BuildPlace, show
from app.pages.events import EVERY, QUICK
from steps.errors import DistilflowError


def build(ctx: AppContext, demo: gr.Blocks, place: BuildPlace) -> None:
    """The part without a face that the page opens pipelines with, and what is open when the page comes up."""
    where = "browser" if ctx.pipelines is None else "server"
    opener = part("pipelines", "mountOpener", {"where": where}, elem_id="opener", visible="hidden")
    current = [place.saved, place.form]

    def open_pipeline(kept: Any, form: dict[str, Any], event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        told = dict(event._data)

        def opened(draft: Draft) -> Draft:
            return opening_from(told).on(draft, ctx.shelf)

        return place.change(request, kept, opened, form["number"])

    def restore(kept: Any, form: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        session, number = str(request.session_hash), form["number"]
        asked = str(request.query_params.get("pipeline") or "")
        try:
            return place.desk.change(
                session, kept, lambda draft: reopened(draft, asked, ctx.shelf), lambda before, after: show(after, number)
            )
        except DistilflowError as error:
            notice = drafts.notice_of(error)
            shown = place.desk.change(
                session, None, lambda draft: new_draft(), lambda *about: show(about[1], number, None, notice)
            )
            return gr.skip(), *shown[1:]  # what the browser kept may be wanted yet

    demo.load(restore, current, place.shown, api_name="restore", **QUICK)
    opened = opener.submit(open_pipeline, current, place.shown, api_name="open_pipeline", **EVERY)
    opened.then(None, js="() => { window.distilflow.opened(); }")
