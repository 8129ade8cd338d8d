"""The Data place: rows, quarantine, card and log of a run; download; push to the Hub."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.components.parts import part
from app.context import AppContext
from app.handlers import pushing
from app.pages.run import TAKE_RUN, bind_retry
from steps.errors import DistilflowError


def build(ctx: AppContext) -> None:
    """Lay the place out and bind it."""
    run_id = gr.Textbox(visible="hidden", elem_id="data-run", label="Run")
    with gr.Row(elem_id="data-bar", elem_classes="df-pagebar"):
        part("data", "mountDataBar", elem_id="data-title", elem_classes="df-bar-main")
        part("data", "mountDownload", elem_id="data-file")
        open_push = gr.Button("Push to Hub", elem_id="data-push", variant="primary", size="sm")
    with gr.Row(elem_id="data-body", elem_classes="df-body"):
        body = part("data", "mountDataBody", elem_id="data-main")
        with gr.Column(elem_id="push-panel"):
            part("data", "mountPushHead", elem_id="push-head")
            with gr.Column(elem_classes="df-form", elem_id="push-form"):
                repo = gr.Textbox(
                    label="Repository", info="owner/name; it is created if it does not exist.", elem_id="push-repo", max_lines=1
                )
                private = gr.Checkbox(label="Private: only you and members can see it", value=True, elem_id="push-private")
                token = gr.Textbox(
                    label="Token",
                    info="With write access. Used once, stored nowhere.",
                    type="password",
                    elem_id="push-token",
                    visible=not pushing.token_is_set(),
                    max_lines=1,
                )
            state = part("data", "mountPushState", {"token": pushing.token_is_set()}, elem_id="push-state")
            push = gr.Button("Push rows", variant="primary", elem_id="push-go")

    def opened(run: str) -> tuple[Any, ...]:
        try:
            report = ctx.store.get(run).report()
        except DistilflowError as error:
            return gr.skip(), pushing.words_of(error), gr.skip(), gr.skip()
        rows = sum(report.rows.values())
        is_set = pushing.token_is_set()
        label = f"Push {rows:,} row{'s' if rows != 1 else ''}"
        return gr.update(value=label), {"token": is_set}, gr.update(visible=not is_set), gr.update()

    def push_rows(run: str, name: str, is_private: bool, entered: str) -> tuple[Any, str]:
        try:
            url = pushing.push_result(ctx.store.get(run), name or "", is_private=is_private, token=entered)
        except Exception as error:  # whatever the Hub's client raises, its words are shown without the token
            return pushing.words_of(error, entered or None), ""
        return {"url": url}, ""

    quiet: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
    open_push.click(opened, run_id, [push, state, token, repo], api_name="open_push", js=TAKE_RUN, **quiet)
    push.click(lambda: {"busy": True}, None, state, api_name="begin_push", **quiet).then(
        push_rows,
        [run_id, repo, private, token],
        [state, token],
        api_name="push",
        js="(run, ...rest) => [window.distilflow.runId(), ...rest]",
        api_visibility="private",
        **quiet,
    )
    bind_retry(ctx, body, "retry_quarantine")
