"""The Build place: the outline of the pipeline, the form of the selected step, the YAML, and the start of runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.components.parts import data_of, part
from app.components.schema_form import build_form
from app.context import AppContext
from app.handlers import drafts, forms, gallery, previews
from app.handlers.drafts import CannotEdit, Draft
from app.handlers.forms import FormField
from app.handlers.outline import ProblemCard
from steps.errors import DistilflowError

EDIT: dict[str, Any] = {"concurrency_id": "edit", "concurrency_limit": 1, "show_progress": "hidden"}
"""Changes of a draft happen one after the other, in the order in which they were made."""


@dataclass(slots=True)
class BuildPlace:
    """What other places need of this one: the draft, and what shows it."""

    draft: gr.State
    saved: gr.BrowserState
    model: gr.HTML
    shown: list[Any]
    """Outputs of everything that changes the draft, in the order of `show`."""
    run_id: gr.Textbox


def show(draft: Draft, rebuild: int | None = None, notice: ProblemCard | None = None) -> tuple[Any, ...]:
    """Values for `BuildPlace.shown`. `rebuild`: a number that differs from the last one makes the form anew."""
    view = drafts.view(draft, notice)
    draft["selected"] = view["selected"]
    state = {**drafts.check_text(draft["text"]), "isChanged": False} if draft["text"].strip() else None
    kept = {"text": draft["text"], "selected": draft["selected"]}
    if rebuild is None:
        return draft, kept, view, draft["text"], state, gr.skip()
    view["form"] = rebuild + 1
    return draft, kept, view, draft["text"], state, rebuild + 1


def build(ctx: AppContext) -> BuildPlace:
    """Lay the place out and bind it."""
    draft = gr.State(None)
    version = gr.State(0)
    frozen = gr.State(None)
    saved = gr.BrowserState(None, storage_key="distilflow-draft-1", secret="distilflow")
    model = part("build", "mountModel", elem_id="build-model", visible="hidden")
    preview_model = part("build", "mountPreviewModel", elem_id="preview-model", visible="hidden")
    run_id = gr.Textbox(visible="hidden", elem_id="opened-run", label="Run")
    with gr.Row(elem_id="build-bar", elem_classes="df-pagebar"):
        title = part("build", "mountTitle", elem_id="build-title", elem_classes="df-bar-main")
        part("build", "mountProblems", elem_id="build-problems")
        preview_button = gr.Button("Preview 5 rows", elem_id="build-preview", size="sm")
        rehearse_button = gr.Button("Rehearse", elem_id="build-rehearse", size="sm")
        run_button = gr.Button("Run", variant="primary", elem_id="build-run", size="sm")
    with gr.Row(elem_id="build-body", elem_classes="df-body"):
        with gr.Column(elem_id="build-main"):
            outline = part("build", "mountOutline", elem_id="build-outline")
            with gr.Column(elem_id="build-yaml"):
                with gr.Row(elem_id="yaml-bar"):
                    yaml_state = part("build", "mountYamlState", elem_id="yaml-state", elem_classes="df-bar-main")
                    discard = gr.Button("Discard", elem_id="yaml-discard", size="sm")
                    apply = gr.Button("Apply changes", elem_id="yaml-apply", variant="primary", size="sm")
                code = gr.Code(
                    language="yaml",
                    interactive=True,
                    lines=24,
                    show_label=False,
                    label="Pipeline as YAML",
                    elem_id="yaml-code",
                    container=False,
                )
            part("build", "mountPreview", elem_id="build-drawer")
            part("build", "mountFacts", elem_id="build-facts")
        with gr.Column(elem_id="build-panel"):
            part("build", "mountStepHead", elem_id="step-head")
            form = gr.Column(elem_id="step-form", elem_classes="df-form")
    place = BuildPlace(draft, saved, model, [draft, saved, model, code, yaml_state, version], run_id)

    with form:
        _render_form(place, version)

    _bind_changes(place, version, outline, title, code, yaml_state, apply, discard)
    _bind_starts(ctx, place, preview_button, rehearse_button, run_button, preview_model, frozen)
    return place


def _bind_changes(
    place: BuildPlace,
    version: gr.State,
    outline: gr.HTML,
    title: gr.HTML,
    code: gr.Code,
    yaml_state: gr.HTML,
    apply: gr.Button,
    discard: gr.Button,
) -> None:
    current = [place.draft, place.saved, version]

    def select(now: Draft | None, kept: Any, number: int, event: gr.EventData) -> tuple[Any, ...]:
        return show(drafts.select(known(now, kept), data_of(event, "step")), number)

    def go_back_or_forth(now: Draft | None, kept: Any, number: int, event: gr.EventData) -> tuple[Any, ...]:
        turn = drafts.redo if data_of(event, "what") == "redo" else drafts.undo
        return show(turn(known(now, kept)), number)

    def apply_text(now: Draft | None, kept: Any, number: int, text: str) -> tuple[Any, ...]:
        return show(drafts.with_text(known(now, kept), text or "", "edit of the YAML"), number)

    def check(now: Draft | None, text: str) -> dict[str, Any]:
        return {**drafts.check_text(text or ""), "isChanged": (text or "") != (now["text"] if now else "")}

    outline.select(select, current, place.shown, api_name="select_step", **EDIT)
    title.submit(go_back_or_forth, current, place.shown, api_name="undo_or_redo", **EDIT)
    apply.click(apply_text, [*current, code], place.shown, api_name="apply_yaml", **EDIT)
    discard.click(
        lambda now, kept, number: show(known(now, kept), number), current, place.shown, api_name="discard_yaml", **EDIT
    )
    code.input(
        check,
        [place.draft, code],
        yaml_state,
        api_name="check_yaml",
        show_progress="hidden",
        trigger_mode="always_last",
        concurrency_limit=None,
    )


def _bind_starts(
    ctx: AppContext,
    place: BuildPlace,
    preview_button: gr.Button,
    rehearse_button: gr.Button,
    run_button: gr.Button,
    preview_model: gr.HTML,
    frozen: gr.State,
) -> None:
    current = [place.draft, place.saved]

    def launch(now: Draft | None, kept: Any, is_rehearsal: bool) -> tuple[Any, Any]:
        draft = known(now, kept)
        try:
            spec = drafts.spec_to_run(draft, is_rehearsal)
            return ctx.launcher.start(spec, ctx.prefect_url), drafts.view(draft)
        except DistilflowError as error:
            return "", drafts.view(draft, drafts.notice_of(error))

    def run(now: Draft | None, kept: Any) -> tuple[Any, Any]:
        return launch(now, kept, False)

    def rehearse(now: Draft | None, kept: Any) -> tuple[Any, Any]:
        return launch(now, kept, True)

    for button, function, name in ((run_button, run, "run"), (rehearse_button, rehearse, "rehearse")):
        button.click(function, current, [place.run_id, place.model], api_name=name, **EDIT).then(
            None, place.run_id, None, js="(id) => { window.distilflow.openRun(id); }"
        )
    # the draft is taken in its turn, after edits made before the click; the preview itself then keeps nobody waiting
    preview_button.click(known, current, frozen, api_name="take_draft", **EDIT).then(
        previews.preview_draft, frozen, preview_model, api_name="preview", show_progress="hidden", concurrency_limit=4
    )


def _render_form(place: BuildPlace, version: gr.State) -> None:
    def form_of_step(draft: Draft | None, number: int) -> None:
        # tells the page that this form is up to date, and can be typed into
        gr.HTML(f'<i data-form="{number}"></i>', elem_id=f"form-{number}", elem_classes="df-marker", apply_default_css=False)
        if not draft or not draft["selected"]:
            return
        step = draft["selected"]
        form = forms.step_form(draft, step)
        if form is None:
            return

        def save(entry: FormField) -> Callable[..., tuple[Any, ...]]:
            def set_value(said: Any, now: Draft | None, kept: Any) -> tuple[Any, ...]:
                before = known(now, kept)
                try:
                    return show(forms.set_field(before, step, entry, said))
                except CannotEdit as error:
                    return show(before, notice=drafts.notice_of(error))

            return set_value

        def bind(component: gr.components.Component, entry: FormField, events: list[Any]) -> None:
            for number, event in enumerate(events):
                event(
                    save(entry),
                    [component, place.draft, place.saved],
                    place.shown,
                    api_name=f"set_{entry.id.replace('-', '_')}_{number}",
                    api_visibility="private",
                    **EDIT,
                )

        def bind_llm(provider: gr.Dropdown) -> None:
            def choose(name: str, now: Draft | None, kept: Any, number: int) -> tuple[Any, ...]:
                before = known(now, kept)
                if name == form.llm:  # Gradio tells of a choice twice
                    return show(before)
                try:
                    return show(forms.set_llm(before, step, name), number)
                except CannotEdit as error:
                    return show(before, number, drafts.notice_of(error))

            provider.input(
                choose,
                [provider, place.draft, place.saved, version],
                place.shown,
                api_name="set_llm",
                api_visibility="private",
                **EDIT,
            )

        build_form(form, bind, bind_llm)

    gr.render(inputs=[place.draft, version], triggers=[version.change], show_progress="hidden")(form_of_step)


def known(now: Draft | None, kept: Any) -> Draft:
    """The draft of this session; after a restart of the server, what the browser kept of it."""
    if now:
        return now
    if isinstance(kept, dict) and isinstance(kept.get("text"), str):
        return drafts.new_draft(kept["text"], kept.get("selected"))
    return drafts.new_draft()


def bind_opening(ctx: AppContext, demo: gr.Blocks, place: BuildPlace, gallery_part: gr.HTML) -> None:
    """Open examples and texts in Build, and on load what the browser kept."""
    version = place.shown[-1]

    def restore(now: Draft | None, kept: Any, number: int, request: gr.Request) -> tuple[Any, ...]:
        asked = request.query_params.get("example")
        if asked:
            try:
                return show(drafts.new_draft(gallery.example_text(ctx.examples_dir, asked)), number)
            except DistilflowError as error:
                return show(known(now, kept), number, drafts.notice_of(error))
        return show(known(now, kept), number)

    def open_example(now: Draft | None, kept: Any, number: int, event: gr.EventData) -> tuple[Any, ...]:
        before = known(now, kept)
        try:
            text = gallery.example_text(ctx.examples_dir, data_of(event, "file"))
        except DistilflowError as error:
            return show(before, number, drafts.notice_of(error))
        opened = drafts.with_text(before, text, "opening another pipeline") if before["text"] else drafts.new_draft(text)
        return show(drafts.select(opened, None), number)

    def open_text(now: Draft | None, kept: Any, number: int, event: gr.EventData) -> tuple[Any, ...]:
        before = known(now, kept)
        opened = drafts.with_text(before, data_of(event, "text"), "opening another pipeline")
        return show(drafts.select(opened, None), number)

    current = [place.draft, place.saved, version]
    demo.load(restore, current, place.shown, api_name="restore", **EDIT)
    open_build = "() => { window.distilflow.openBuild(); }"
    gallery_part.select(open_example, current, place.shown, api_name="open_example", **EDIT).then(None, js=open_build)
    gallery_part.submit(open_text, current, place.shown, api_name="open_text", **EDIT).then(None, js=open_build)
