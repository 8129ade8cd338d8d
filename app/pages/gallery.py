"""The Gallery: pipelines to start from."""

from __future__ import annotations

import gradio as gr

from app.components.parts import part
from app.context import AppContext
from app.handlers import gallery


def build(ctx: AppContext) -> gr.HTML:
    """Lay the place out; opening is bound by Build, which it opens."""
    return part("gallery", "mountGallery", gallery.examples(ctx.examples_dir), elem_id="gallery-body")
