"""The Gallery: pipelines to start from."""

from __future__ import annotations

from app.components.parts import part
from app.context import AppContext
from app.handlers import gallery


def build(ctx: AppContext) -> None:
    """Lay the place out."""
    part("gallery", "mountGallery", gallery.examples(ctx.examples_dir), elem_id="gallery-body")
