"""Parts of the page that are our own: a `gr.HTML` whose face is drawn by one function of one of our modules."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.api import assets_path

from gradio.events import Dependency

class Part(gr.HTML):
    """Mounts `function` of `app/static/<module>.js` in the page.

    The template never changes, so Gradio leaves the part's inside alone; values set from Python reach the module by `watch`,
    and it answers with the events `select` and `submit`, whose data is in `gr.EventData`.
    """

    def __init__(self, module: str, function: str, value: Any = None, **settings: Any) -> None:
        source = f"{assets_path()}/{module}.js"
        script = (
            f"import(new URL({source!r}, document.baseURI).href)"
            f".then((module) => module.{function}(element, {{ props, trigger, watch }}));"
        )
        given = settings.pop("elem_classes", [])
        super().__init__(
            value=value,
            elem_classes=["df-own", *([given] if isinstance(given, str) else given)],
            html_template='<div class="df-part"></div>',
            js_on_load=script.replace("(element,", "(element.querySelector('.df-part') ?? element,"),
            apply_default_css=False,
            **settings,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}

    def api_info_as_input(self) -> dict[str, Any]:
        return self.api_info()

    def api_info_as_output(self) -> dict[str, Any]:
        return self.api_info()
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component