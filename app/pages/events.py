"""How events of the page are sent."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.events import Dependency

QUICK: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
EVERY: dict[str, Any] = {**QUICK, "trigger_mode": "multiple"}
"""Also what is sent before the last one is answered: Gradio otherwise drops it."""
LAST: dict[str, Any] = {**QUICK, "trigger_mode": "always_last"}
"""What is sent before the last one is answered waits for it, and takes the values of then."""


def open_when_started(click: Dependency, run_id: gr.Textbox) -> None:
    """Open the run whose id the answer to a click gives; after an error none, as `run_id` still holds the one before."""
    click.success(None, run_id, None, js="(id) => { window.distilflow.openRun(id); }")
    once_answered(click, "() => { window.distilflow.started(); }")


def once_answered(click: Dependency, js: str) -> None:
    """Call `js` whatever came of a click: Gradio 6.31 goes on with `then` only when there was no error."""
    click.then(None, js=js)
    click.failure(None, js=js)
