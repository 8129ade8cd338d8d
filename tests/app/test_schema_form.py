"""The fields of a form as Gradio components: none shows what a field of the form before it left behind."""

from __future__ import annotations

import gradio as gr
import pytest

from app.components.schema_form import field
from app.handlers import forms
from flows.spec import StepSpec
from steps import registry


def texts_of(name: str) -> list[gr.Textbox]:
    form = forms.form_of(StepSpec(name="x", use=name), registry.resolve(name))
    made = [found[0] for entry in form.fields if (found := field(form, entry))]
    return [one for one in made if isinstance(one, gr.Textbox)]


@pytest.mark.parametrize("name", registry.names("steps"))
def test_every_text_sets_all_that_any_text_sets(name: str) -> None:
    for text in texts_of(name):
        # what is None is not sent to the page, which then keeps what stood there
        told = {key: text.get_config()[key] for key in ("placeholder", "info", "lines", "max_lines", "elem_classes")}
        assert None not in told.values(), (text.label, told)


def test_of_two_forms_only_that_of_rows_has_their_placeholder() -> None:
    rows = next(text for text in texts_of("LoadDataFromDicts") if text.label == "Data")

    assert str(rows.placeholder).startswith("{")
    assert {text.placeholder for text in texts_of("TextGeneration")} == {""}
