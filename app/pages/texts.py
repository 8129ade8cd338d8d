"""Build's text views: the pipeline as YAML or Python, what an edit would change, and applying it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.components.parts import part
from app.handlers import drafts, texts
from app.handlers.drafts import Draft, View
from app.handlers.texts import LABELS, LANGUAGES, Language
from app.pages.events import LAST, QUICK
from flows.runs import RunStore

if TYPE_CHECKING:
    from app.pages.build import BuildPlace


@dataclass(slots=True)
class TextView:
    """The editor of one language, the line above it, and the list of changes beside it."""

    language: Language
    bar: gr.HTML = field(init=False)
    code: gr.Code = field(init=False)
    panel: gr.HTML = field(init=False)

    def build_editor(self) -> None:
        language, told = self.language, {"language": self.language}
        with gr.Column(elem_id=f"build-{language}", elem_classes="df-text-view"):
            self.bar = part("texts", "mountBar", told, elem_id=f"{language}-state", elem_classes="df-text-bar")
            self.code = gr.Code(
                language=language,
                interactive=True,
                lines=24,
                show_label=False,
                label=f"Pipeline as {LABELS[language]}",
                elem_id=f"{language}-code",
                elem_classes="df-code-view",
                container=False,
                buttons=[],
            )
            part("text_changes", "mountLines", told, elem_id=f"{language}-lines", elem_classes="df-text-lines")

    def build_panel(self) -> None:
        told = {"language": self.language}
        self.panel = part("text_changes", "mountPanel", told, elem_id=f"{self.language}-panel", elem_classes="df-text-panel")

    def bind(self, place: BuildPlace, store: RunStore | None) -> None:
        """Check while it is written, apply, discard; copying and saving happen in the browser."""
        language = self.language
        current = [place.saved, place.form]

        def apply(kept: Any, form: dict[str, Any], text: str, request: gr.Request) -> tuple[Any, ...]:
            def applied(draft: Draft) -> Draft:
                return texts.applied(draft, language, text or "")

            return place.change(request, kept, applied, form["number"], from_editor=True)

        def discard(kept: Any, request: gr.Request) -> tuple[str, texts.TextState]:
            return texts.texts_of(drafts.view(place.desk.look(str(request.session_hash), kept)))[language]

        def check(kept: Any, text: str, request: gr.Request) -> texts.TextState:
            return texts.state_of(place.desk.look(str(request.session_hash), kept), language, text or "", store)

        self.panel.submit(apply, [*current, self.code], place.shown, api_name=f"apply_{language}", **QUICK)
        self.panel.select(discard, place.saved, [self.code, self.bar], api_name=f"discard_{language}", **QUICK)
        self.code.input(check, [place.saved, self.code], self.bar, api_name=f"check_{language}", **LAST)
        self.bar.select(None, self.code, js="(text) => { window.distilflow.copyText(text); }")
        self.bar.submit(None, self.code, js=f"(text) => {{ window.distilflow.saveText(text, '{language}'); }}")


def text_views() -> list[TextView]:
    return [TextView(language) for language in LANGUAGES]


def shown_texts(view: View | None) -> list[Any]:
    """Values for the editors and the lines above them, in the order of `text_views`; of no view, they stay as they are."""
    if view is None:
        return [gr.skip() for _ in LANGUAGES for _ in range(2)]
    found = texts.texts_of(view)
    return [value for language in LANGUAGES for value in found[language]]
