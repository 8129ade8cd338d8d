"""The form of a step of a draft, for tests."""

from __future__ import annotations

from app.handlers import forms
from app.handlers.drafts import Draft
from app.handlers.fields import FormField, StepForm


def field_of(form: StepForm, *path: str) -> FormField:
    return next(entry for entry in form.fields if entry.path == path)


def form_for(draft: Draft, step: str) -> StepForm:
    form = forms.step_form(draft, step)
    assert form is not None
    return form
