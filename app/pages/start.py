"""The part without a face by which the page looks at imports, at the Hub, and has pipelines drafted."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.components.parts import part
from app.context import AppContext
from app.handlers import starting


def build(ctx: AppContext) -> None:
    """Each question of the page has a number, and its answer has it too."""
    value = {"models": starting.drafting_models(), "model": starting.default_model(), "isPublic": ctx.is_public}
    starter = part("start", "mountStarter", value, elem_id="starter", visible="hidden")

    def look(event: gr.EventData) -> dict[str, Any]:
        told = dict(event._data)
        is_public = ctx.is_public
        match told.get("what"):
            case "text":
                found = starting.looked_at(starting.look_at_text, str(told["text"]))
            case "hub-pipeline":
                found = starting.looked_at(starting.look_at_hub_pipeline, str(told["source"]), is_public)
            case "hub-rows":
                asked = (str(told["source"]), str(told.get("config") or ""), str(told.get("split") or ""))
                found = starting.looked_at(starting.look_at_hub_rows, *asked, is_public)
            case _:
                found = starting.looked_at(starting.quote, told, is_public)
        return {"number": told.get("number"), **found}

    async def draft(event: gr.EventData) -> dict[str, Any]:
        told = dict(event._data)
        return {"number": told.get("number"), **await starting.draft_pipeline(told, ctx.runs_dir, ctx.is_public)}

    shared: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "api_visibility": "private"}
    starter.input(look, None, starter, api_name="look_at_start", concurrency_limit=8, **shared)
    starter.submit(draft, None, starter, api_name="draft_pipeline", concurrency_limit=4, **shared)
