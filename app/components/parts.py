"""Parts of the page that are our own: a `gr.HTML` whose face is drawn by one function of one of our modules."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.api.assets import assets_path


def part(module: str, function: str, value: Any = None, **settings: Any) -> gr.HTML:
    """Mount `function` of `app/frontend/page/<module>.js` in the page.

    The template never changes, so Gradio leaves the part's inside alone; values set from Python reach the module by `watch`,
    and it answers with the events `select` and `submit`, whose data `data_of` reads.
    A function, not a subclass: Gradio writes a `.pyi` beside the source of every subclass, each time it is imported.
    """
    source = f"{assets_path()}/page.js"
    classes = settings.pop("elem_classes", None)
    return gr.HTML(
        value=value,
        html_template='<div class="df-part"></div>',
        js_on_load=(
            f"import(new URL({source!r}, document.baseURI).href).then((page) => "
            f"page.{module}.{function}(element.querySelector('.df-part') ?? element, {{ props, trigger, watch }}));"
        ),
        apply_default_css=False,
        elem_classes=["df-own", *([classes] if classes else [])],
        **settings,
    )


def data_of(event: gr.EventData, name: str) -> str:
    """What a part sent along with its event."""
    return str(event._data[name])
