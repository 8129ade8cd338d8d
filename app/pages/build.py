"""The Build place: the pipeline as canvas, outline and text, the form of the selected step, and the start of runs."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import orjson

from app.components.parts import part
from app.components.schema_form import build_form
from app.context import AppContext
from app.handlers import drafts, edits, forms
from app.handlers.changes import change_from
from app.handlers.desk import Desk
from app.handlers.drafts import Draft
from app.handlers.fields import FormField, StepForm
from app.handlers.outline import ProblemCard
from app.handlers.saving import to_keep
from app.pages.events import EVERY, LAST, QUICK, open_when_started
from app.pages.texts import shown_texts, text_views
from steps.errors import DistilflowError


@dataclass(slots=True)
class BuildPlace:
    """What shows the draft. `shown` are the outputs of everything that changes it, in the order of `show`."""

    desk: Desk
    saved: gr.BrowserState
    form: gr.State
    model: gr.HTML
    outline: gr.HTML
    shown: list[Any] = field(default_factory=list)

    def change(
        self,
        request: gr.Request,
        kept: Any,
        change: Callable[[Draft], Draft],
        number: int | None = None,
        *,
        from_editor: bool = False,
        answers: int = 0,
    ) -> tuple[Any, ...]:
        """Change the draft of this session, and show it or why it cannot be changed."""
        session = str(request.session_hash)
        try:
            return self.desk.change(
                session,
                kept,
                change,
                lambda before, after: show(after, number, None if from_editor else before, answers=answers),
            )
        except DistilflowError as error:
            draft = self.desk.look(session, kept)
            return show(draft, number, draft, drafts.notice_of(error), answers=answers)


def show(
    draft: Draft,
    number: int | None = None,
    before: Draft | None = None,
    notice: ProblemCard | None = None,
    *,
    answers: int = 0,
) -> tuple[Any, ...]:
    """Values for `BuildPlace.shown`. With the number of the form that is shown now, a new one is made.

    With the same text and file as `before`, what the browser keeps and the editors stay as they are: another tab may have kept
    a newer draft, and in an editor may be what is not applied yet.
    """
    view = drafts.view(draft, notice)
    view["answers"] = answers
    wanted = {"text": draft["text"], "selected": view["selected"], "wrong": draft["wrong"]}
    is_other = before is None or before["text"] != draft["text"]
    kept: Any = gr.skip()
    if is_other or (before is not None and before["file"] != draft["file"]):
        kept = to_keep(draft) if view["is_kept"] else None
    texts = shown_texts(view if is_other else None)
    is_same = notice is None and not is_other and before is not None and _form_of(before) == _form_of(draft)
    if number is None or is_same:  # whoever is in the form stays there
        return kept, view, gr.skip(), *texts
    # a server that was started anew counts from its clock too, so a page that was open before notices the new form
    view["form"] = following = max(number + 1, time.time_ns() // 1_000_000)
    return kept, view, {**wanted, "number": following}, *texts


def _form_of(draft: Draft) -> tuple[Any, ...]:
    """What the form is made of, beside the text."""
    return draft["selected"], draft["wrong"]


def build(ctx: AppContext) -> BuildPlace:
    """Lay the place out and bind it."""
    saved = gr.BrowserState(None, storage_key="distilflow-draft-1", secret="distilflow")
    wanted = gr.State({"number": 0})
    model = part("build", "mountModel", elem_id="build-model", visible="hidden")
    run_id = gr.Textbox(visible="hidden", elem_id="opened-run", label="Run")
    texts = text_views()
    with gr.Row(elem_id="build-bar", elem_classes="df-pagebar"):
        part("build", "mountTitle", elem_id="build-title", elem_classes="df-bar-main")
        part("problems", "mountProblems", elem_id="build-problems")
        gr.Button("Preview 5 rows", elem_id="build-preview", size="sm")
        rehearse_button = gr.Button("Rehearse", elem_id="build-rehearse", size="sm")
        run_button = gr.Button("Run", variant="primary", elem_id="build-run", size="sm")
    with gr.Row(elem_id="build-body", elem_classes="df-body"):
        part("palette", "mountPalette", elem_id="build-palette")
        with gr.Column(elem_id="build-main"):
            part("canvas", "mountCanvas", elem_id="build-canvas")
            part("build", "mountNotice", elem_id="build-notice")
            outline = part("build", "mountOutline", elem_id="build-outline")
            for text in texts:
                text.build_editor()
            part("preview", "mountPreview", elem_id="build-drawer")
            part("estimate", "mountEstimate", elem_id="build-facts")
        with gr.Column(elem_id="build-panel"):
            part("panel", "mountTabs", elem_id="panel-tabs")
            part("panel", "mountHead", elem_id="step-head")
            form = gr.Column(elem_id="step-form", elem_classes="df-form")
            part("docs", "mountDocs", elem_id="step-docs")
            part("panel", "mountRows", elem_id="step-rows")
            part("preview", "mountStepFoot", elem_id="step-foot")
        for text in texts:
            text.build_panel()
    editors = [component for text in texts for component in (text.code, text.bar)]
    place = BuildPlace(Desk(ctx.pipelines), saved, wanted, model, outline, [saved, model, wanted, *editors])
    with form:
        _render_form(place)
    _bind_changes(place)
    for text in texts:
        text.bind(place, ctx.earlier_runs)
    _bind_starts(ctx, place, run_button, rehearse_button, run_id)
    return place


def _bind_changes(place: BuildPlace) -> None:
    current = [place.saved, place.form]

    def change(kept: Any, form: dict[str, Any], event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        told = dict(event._data)
        number = int(told.pop("number", 0))

        def changed(draft: Draft) -> Draft:
            return change_from(told).on(draft)

        return place.change(request, kept, changed, form["number"], answers=number)

    place.model.input(change, current, place.shown, api_name="change", **EVERY)


def _bind_starts(
    ctx: AppContext, place: BuildPlace, run_button: gr.Button, rehearse_button: gr.Button, run_id: gr.Textbox
) -> None:
    def launch(kept: Any, request: gr.Request, is_rehearsal: bool) -> tuple[str, Any]:
        draft = place.desk.look(str(request.session_hash), kept)
        try:
            started = ctx.launcher.start(drafts.spec_to_run(draft, is_rehearsal), ctx.prefect_url)
        except DistilflowError as error:
            return "", drafts.view(draft, drafts.notice_of(error))
        return started, drafts.view(draft)

    def run(kept: Any, request: gr.Request) -> tuple[str, Any]:
        return launch(kept, request, False)

    def rehearse(kept: Any, request: gr.Request) -> tuple[str, Any]:
        return launch(kept, request, True)

    outputs = [run_id, place.model]
    open_when_started(run_button.click(run, place.saved, outputs, api_name="run", **QUICK), run_id)
    open_when_started(rehearse_button.click(rehearse, place.saved, outputs, api_name="rehearse", **QUICK), run_id)


def mark_of(number: int, step: str | None, form: StepForm | None) -> str:
    """What tells the page whose form it shows, and when all of its fields are there to be typed into."""
    about = {
        "form": number,
        "step": step or "",
        "choices": orjson.dumps(form.choices if form else {}).decode(),
        "fields": " ".join(form.ids()) if form else "",
    }
    told = (f'data-{name}="{html.escape(str(value))}"' for name, value in about.items())
    return f"<i {' '.join(told)}></i>"


def _render_form(place: BuildPlace) -> None:
    def form_of_step(wanted: dict[str, Any]) -> None:
        number, step = wanted["number"], wanted.get("selected")
        draft = drafts.new_draft(wanted.get("text", ""), wrong=wanted.get("wrong"))
        form = forms.step_form(draft, step) if step else None
        gr.HTML(mark_of(number, step, form), elem_id=f"form-{number}", elem_classes="df-marker", apply_default_css=False)
        if form is None or step is None:
            return

        def save(entry: FormField) -> Callable[..., tuple[Any, ...]]:
            def set_value(said: Any, kept: Any, request: gr.Request) -> tuple[Any, ...]:
                return place.change(request, kept, lambda draft: edits.enter(draft, step, entry, said))

            return set_value

        def bind(component: gr.components.Component, entry: FormField, events: list[Any]) -> None:
            for at, event in enumerate(events):
                name = f"set_{entry.id.replace('-', '_')}_{at}"
                inputs = [component, place.saved]
                event(save(entry), inputs, place.shown, api_name=name, api_visibility="private", **LAST)

        def bind_choice(choice: gr.Dropdown, what: str) -> None:
            # the page asks for the change, so that it knows from then on that this form is no longer the right one
            ask = f'(name) => {{ window.distilflow.choose("{what}", name); }}'
            choice.input(None, choice, None, js=ask, api_visibility="private")

        build_form(form, bind, bind_choice)

    # asked for by the page, once for each number: Gradio would take a state for changed by every event that ran meanwhile,
    # and a form that is made twice takes away what was typed into the first
    gr.render(inputs=[place.form], triggers=[place.model.submit], show_progress="hidden")(form_of_step)
