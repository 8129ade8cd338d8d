"""The page as a whole, and the server around it."""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from fastapi import FastAPI

from app.api import add_routes
from app.api.assets import STATIC, assets_path
from app.components.parts import part
from app.context import AppContext
from app.known_hosts import KnownHosts
from app.page_head import PageHead
from app.pages import build, data, gallery, labels, opening, run
from app.theme import theme


def create_app(ctx: AppContext) -> gr.Blocks:
    """The page: one Blocks with all places, of which the address shows one."""
    demo = gr.Blocks(title="distilflow", fill_width=True, analytics_enabled=False)
    with demo:
        part("shell", "mountAppBar", {"docs": ctx.docs_url}, elem_id="appbar")
        with gr.Column(elem_id="place-build", elem_classes="df-place"):
            place = build.build(ctx)
        with gr.Column(elem_id="place-run", elem_classes="df-place"):
            run.build(ctx)
        with gr.Column(elem_id="place-data", elem_classes="df-place"):
            data.build(ctx)
        with gr.Column(elem_id="place-gallery", elem_classes="df-place"):
            gallery.build(ctx)
        with gr.Column(elem_id="place-labels", elem_classes="df-place"):
            labels.build(ctx)
        opening.build(ctx, demo, place)
    return demo


def build_server(ctx: AppContext) -> FastAPI:
    """The page and the API beside it, as one ASGI application."""
    server = FastAPI(title="distilflow", docs_url=None, redoc_url=None, openapi_url=None)
    add_routes(server, ctx)
    gr.mount_gradio_app(
        server,
        create_app(ctx),
        path="/",
        theme=theme(),
        footer_links=[],
        run_history=False,  # it would keep what was typed, tokens too, in the browser
        ssr_mode=False,
        show_error=True,
        favicon_path=str(STATIC / "icon.png"),
        max_file_size=0,  # nothing is uploaded: pipelines are read in the page
    )
    server.add_middleware(PageHead, elements=head())
    if not ctx.is_public:  # who may read everything anyway needs no protection
        server.add_middleware(KnownHosts)
    return server


def head() -> str:
    """Own script and styles, from a path that changes with them.

    `first.js` has to stand before Gradio asks anything; the rest waits for Gradio's scripts, which mount it.
    """
    own = assets_path()
    return (
        f'<script src="{own}/first.js"></script>'
        f'<link rel="stylesheet" data-own href="{own}/page.css">'
        f'<link rel="modulepreload" fetchpriority="low" href="{own}/page.js">'
    )
