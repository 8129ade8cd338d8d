"""The Data place: rows, quarantine, card and log of a run; download; push to the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from app.components.parts import part
from app.context import AppContext
from app.handlers import pushing
from app.pages.run import TAKE_RUN, bind_retry
from flows.distiset.by_hand import rows_left
from flows.distiset.parts import standing_of
from steps.errors import DistilflowError

TAKE_RUN_FIRST = "(run, ...rest) => [window.distilflow.runId(), ...rest]"


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
            part("push", "mountPushHead", elem_id="push-head")
            with gr.Column(elem_classes="df-form", elem_id="push-form"):
                repo = gr.Textbox(
                    label="Repository",
                    info="owner/name; it is created if it does not exist.",
                    placeholder="my-org/preference-data",
                    elem_id="push-repo",
                    max_lines=1,
                )
                private = gr.Checkbox(label="Private: only you and members can see it", value=True, elem_id="push-private")
                licence = gr.Dropdown(
                    list(pushing.LICENCES.items()), value="", label="License", elem_id="push-license", interactive=True
                )
                tag = gr.Textbox(
                    label="Version tag", info="Optional: a name to load this version by.", elem_id="push-tag", max_lines=1
                )
                token = gr.Textbox(
                    label="Token",
                    info="With write access. Used once, stored nowhere.",
                    type="password",
                    elem_id="push-token",
                    visible=not pushing.token_is_set(),
                    max_lines=1,
                )
            part("push", "mountPushChecks", elem_id="push-checks")
            with gr.Column(elem_id="push-foot"):
                state = part("push", "mountPushState", elem_id="push-state")
                push = gr.Button("Push rows", variant="primary", elem_id="push-go")

    def opened(run: str) -> tuple[Any, ...]:
        """The words of the button, and a tag to start from."""
        try:
            folder = ctx.begun(run)
            report = folder.report()
            rows = rows_left(report.rows, standing_of(folder))
        except DistilflowError as error:
            return gr.skip(), pushing.words_of(error), gr.skip(), gr.skip()
        label = f"Push {rows:,} row{'s' if rows != 1 else ''}"
        name = run.removeprefix(f"{report.pipeline}-")
        return gr.update(value=label), None, gr.update(visible=not pushing.token_is_set()), f"run-{name}"[:64]

    def push_rows(
        run: str, name: str, is_private: bool, chosen: str, version: str, entered: str
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        yield {"busy": True, "run": run}, gr.skip()
        try:
            folder = ctx.begun(run)
        except DistilflowError as error:
            yield pushing.words_of(error), gr.skip()
            return
        wish = pushing.Wish(name or "", is_private, entered, chosen or "", version or "")
        for step in pushing.push_in_steps(folder, wish):
            is_over = "url" in step or "what" in step
            yield {**step, "busy": not is_over, "run": run}, "" if is_over else gr.skip()

    quiet: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
    open_push.click(opened, run_id, [push, state, token, tag], api_name="open_push", js=TAKE_RUN, **quiet)
    push.click(
        push_rows,
        [run_id, repo, private, licence, tag, token],
        [state, token],
        api_name="push",
        js=TAKE_RUN_FIRST,
        api_visibility="private",
        **quiet,
    )
    bind_retry(ctx, body, "retry_quarantine")
