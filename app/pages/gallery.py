"""The Gallery: pipelines to start from."""

from __future__ import annotations

from app.components.parts import Part
from app.context import AppContext
from app.handlers import gallery


def build(ctx: AppContext) -> Part:
    """Lay the place out; opening is bound by Build, which it opens."""
    return Part("gallery", "mountGallery", gallery.examples(ctx.examples_dir), elem_id="gallery-body")
