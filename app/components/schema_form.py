"""A step's form from native Gradio fields, as `app.handlers.fields` describes them."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.handlers.fields import ROUTER, FormField, ModelPlace, StepForm

Bind = Callable[[gr.components.Component, FormField, list[Any]], None]
"""Connects a field to what saves it: (component, field, its events)."""

LONG_LINES = 4


def build_form(form: StepForm, bind: Bind, bind_choice: Callable[[gr.Dropdown, str], None]) -> None:
    """Make the fields of a form, in the order: own parameters, model, replies, next steps, placement, mapping.

    `bind_choice` connects a choice that the form depends on, which goes by its name in `StepForm.choices`.
    """
    for entry in form.part("own"):
        _add(form, entry, bind)
    for place in form.models:
        with gr.Accordion(place.title, open=True, elem_id=f"form-{place.name}", elem_classes="df-box"):
            names = tuple((name, name) for name in place.choices)
            bind_choice(_choice(form, place.name, "Provider", place.summary, names, place.use), place.name)
            _add_model(form, place, bind)
    for title, parts, note in (
        ("Replies", form.part("replies"), ""),
        ("Next steps", form.part("router"), ""),
        ("Pool and resources", form.part("placement"), form.placement_note),
        ("Column mapping", form.part("mapping"), form.mapping_note),
    ):
        if parts:
            label = f"{title} · {note}" if note else title
            with gr.Accordion(
                label, open=title == "Next steps", elem_id=f"form-{title.split()[0].lower()}", elem_classes="df-box"
            ):
                for entry in parts:
                    if entry.path == ROUTER:
                        choice = _choice(form, entry.id, entry.label, entry.info, entry.choices, entry.shown)
                        bind_choice(choice, "router")
                    else:
                        _add(form, entry, bind)


def _choice(form: StepForm, name: str, label: str, info: str, choices: tuple[tuple[str, str], ...], chosen: str) -> gr.Dropdown:
    """A choice that the form depends on."""
    return gr.Dropdown(
        choices=list(choices),
        value=chosen,
        label=label,
        info=info,
        interactive=True,
        key=f"{form.step}:{name}:{chosen}",
        elem_id=f"field-{name}",
        elem_classes="df-choice",
    )


def _add_model(form: StepForm, place: ModelPlace, bind: Bind) -> None:
    entries = form.of_model(place, "model")
    sampling = [entry for entry in entries if "generation_kwargs" in entry.path]
    for entry in entries:
        if entry not in sampling:
            _add(form, entry, bind)
    if sampling:
        with gr.Row(elem_classes="df-pair"):
            for entry in sampling:
                _add(form, entry, bind)
    if more := form.of_model(place, "sampling", "connection"):
        with gr.Accordion("More settings", open=False, elem_id=f"form-{place.name}-more", elem_classes="df-sub"):
            for entry in more:
                _add(form, entry, bind)


def _add(form: StepForm, entry: FormField, bind: Bind) -> None:
    made = field(form, entry)
    if made is not None:
        component, events = made
        bind(component, entry, events)


def field(form: StepForm, entry: FormField) -> tuple[gr.components.Component, list[Any]] | None:
    """The component of a field and the events after which its value is taken; None for what cannot be edited.

    Gradio puts a form's components where those of the form before stood, and these leave behind what the new ones do not
    set: so each sets all that any of its kind sets, empty where it has none.
    """
    common: dict[str, Any] = {
        "label": entry.label,
        "info": entry.info or "",
        "interactive": True,
        "key": f"{form.step}:{':'.join(form.choices.values())}:{entry.id}",
        "elem_id": f"field-{entry.id}",
    }
    match entry.kind:
        case "secret":
            gr.HTML(secret_line(entry), elem_id=f"field-{entry.id}", apply_default_css=False)
            return None
        case "note":
            gr.HTML(note_line(entry), elem_id=f"field-{entry.id}", apply_default_css=False)
            return None
        case "choice":
            choice = gr.Dropdown(choices=list(entry.choices), value=entry.shown, **common)
            return choice, [choice.input]
        case "flag":
            flag = gr.Checkbox(value=entry.shown, **common)
            return flag, [flag.input]
        case "slider":
            step = 1 if entry.is_integer else 0.05
            slider = gr.Slider(entry.minimum or 0, entry.maximum or 1, step=step, value=entry.shown, **common)
            return slider, [slider.input]
        case "number":
            precision = 0 if entry.is_integer else None
            placeholder = "Not set" if entry.shown is None else ""
            number = gr.Number(value=entry.shown, precision=precision, placeholder=placeholder, **common)
            return number, [number.blur, number.submit]
        case "area":
            area = _text(entry, common, LONG_LINES, 16)
            return area, [area.blur]
        case "rows":
            lines = min(12, max(4, str(entry.shown).count("\n") + 1, entry.placeholder.count("\n") + 1))
            rows = _text(entry, common, lines, 16, is_code=True)
            return rows, [rows.blur]
        case "yaml":
            text = _text(entry, common, min(12, max(2, str(entry.shown).count("\n") + 1)), 16, is_code=True)
            return text, [text.blur]
        case "list":
            many = "\n" in str(entry.shown)
            text = _text(entry, common, 3 if many else 1, 8, is_code=True)
            return text, [text.blur, *([] if many else [text.submit])]
    text = _text(entry, common, 1, 1)
    return text, [text.blur, text.submit]


def _text(entry: FormField, common: dict[str, Any], lines: int, max_lines: int, *, is_code: bool = False) -> gr.Textbox:
    return gr.Textbox(
        value=entry.shown,
        placeholder=entry.placeholder,
        lines=lines,
        max_lines=max_lines,
        elem_classes=["df-code"] if is_code else [],
        **common,
    )


def note_line(entry: FormField) -> str:
    """What there is, where it cannot be edited."""
    return f'<p class="df-hint"><b>{html.escape(entry.label)}</b>: {html.escape(str(entry.shown))}</p>'


def secret_line(entry: FormField) -> str:
    """Where a key comes from, and whether it is there."""
    variable = html.escape(str(entry.shown or "a variable"))
    state = "Set" if entry.is_set else "Not set"
    return (
        f'<div class="df-secret {"is-set" if entry.is_set else ""}" data-testid="secret-{html.escape(entry.id)}">'
        f'<span class="df-grow">{html.escape(entry.label)}: uses <span class="df-mono">${variable}</span></span>'
        f'<span class="df-tag {"done" if entry.is_set else "warn"}">{state}</span></div>'
    )
