"""The Run place: follow a run, stop it, go on with it. What is shown comes over the event stream, not through Gradio."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.components.parts import data_of, part
from app.context import AppContext
from app.pages.events import once_answered, open_when_started
from steps.errors import DistilflowError

TAKE_RUN = "(value) => window.distilflow.runId()"
LOOK_AGAIN = "() => { window.distilflow.started(); window.distilflow.again(); }"


def build(ctx: AppContext) -> None:
    """Lay the place out and bind it."""
    run_id = gr.Textbox(visible="hidden", elem_id="run-id", label="Run")
    next_id = gr.Textbox(visible="hidden", elem_id="next-run-id", label="Next run")
    with gr.Row(elem_id="run-bar", elem_classes="df-pagebar"):
        part("run", "mountRunBar", elem_id="run-title", elem_classes="df-bar-main")
        resume = gr.Button("Resume", elem_id="run-resume", size="sm")
        pause = gr.Button("Pause", elem_id="run-pause", size="sm")
        stop = gr.Button("Stop & keep", elem_id="run-stop", size="sm")
        again = gr.Button("Run again", elem_id="run-again", size="sm")
        result = gr.Button("Open the result", elem_id="run-result", variant="primary", size="sm")
    body = part("run", "mountRunBody", elem_id="run-body", elem_classes="df-body")

    def stop_run(run: str) -> None:
        try:
            ctx.launcher.stop(run)
        except DistilflowError as error:
            raise said(error) from error

    def pause_run(run: str) -> None:
        try:
            ctx.launcher.pause(run)
        except DistilflowError as error:
            raise said(error) from error

    def resume_run(run: str) -> None:
        try:
            ctx.launcher.resume(run, ctx.prefect_url)
        except DistilflowError as error:
            raise said(error) from error

    def run_again(run: str) -> str:
        try:
            return ctx.launcher.again(run, ctx.prefect_url)
        except DistilflowError as error:
            raise said(error) from error

    settings: dict[str, Any] = {"js": TAKE_RUN, "concurrency_limit": None, "show_progress": "hidden"}
    stop.click(stop_run, run_id, None, api_name="stop_run", **settings)
    pause.click(pause_run, run_id, None, api_name="pause_run", **settings)
    once_answered(resume.click(resume_run, run_id, None, api_name="resume_run", **settings), LOOK_AGAIN)
    open_when_started(again.click(run_again, run_id, next_id, api_name="run_again", **settings), next_id)
    bind_retry(ctx, body, "retry_rows")
    result.click(None, js="() => { window.distilflow.openResult(); }")


def bind_retry(ctx: AppContext, asking: gr.HTML, api_name: str) -> None:
    """Let a part ask for another attempt at the rows in quarantine; the page then follows it."""

    def retry(event: gr.EventData) -> None:
        try:
            only = {name: str(event._data.get(name) or "") for name in ("step", "code")}
            ctx.launcher.retry(data_of(event, "run"), ctx.prefect_url, **only)
        except DistilflowError as error:
            raise said(error) from error

    asking.submit(retry, None, None, api_name=api_name, concurrency_limit=None, show_progress="hidden").then(
        None, js="() => { window.distilflow.openRun(window.distilflow.runId()); window.distilflow.again(); }"
    )


def said(error: DistilflowError) -> gr.Error:
    """An error as a notice that stays until it is read."""
    fix = f" {error.fix[:1].upper()}{error.fix[1:]}." if error.fix else ""
    text = f"{error.message[:1].upper()}{error.message[1:]}.{fix}"
    return gr.Error(text, duration=None, title="Not possible now", print_exception=False)
