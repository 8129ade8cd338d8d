"""The Labels place: what is reviewed next, who said what about it, and what annotators are like."""

from __future__ import annotations

import gradio as gr

from app.components.parts import part
from app.context import AppContext


def build(ctx: AppContext) -> None:
    """Lay the place out. All that happens in it goes through the routes below /api/labels."""
    with gr.Row(elem_id="labels-bar", elem_classes="df-pagebar"):
        part("labels", "mountLabelsBar", elem_id="labels-title", elem_classes="df-bar-main")
        part("labels", "mountLabelsActions", elem_id="labels-actions")
    with gr.Row(elem_id="labels-body", elem_classes="df-body"):
        part("labels", "mountLabelsBody", {"isPublic": ctx.is_public}, elem_id="labels-main")
