"""The Gallery: pipelines to start from."""

from __future__ import annotations

from app.components.parts import part
from app.context import AppContext
from app.handlers import gallery, starting


def build(ctx: AppContext) -> None:
    """Lay the place out."""
    drafting = {"models": starting.drafting_models(), **starting.default_model(), "isPublic": ctx.is_public}
    value = {"cards": gallery.examples(ctx.examples_dir), "drafting": drafting}
    part("gallery", "mountGallery", value, elem_id="gallery-body")
