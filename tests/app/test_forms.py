from __future__ import annotations

from typing import Any

import pytest

from app.handlers import drafts, forms
from app.handlers.drafts import CannotEdit, Draft
from app.handlers.forms import UNSET, FormField, StepForm
from flows.spec import StepSpec
from steps import registry
from steps.base import BaseStep
from steps.llms.base import LLM


def field_of(form: StepForm, *path: str) -> FormField:
    return next(entry for entry in form.fields if entry.path == path)


def form_for(draft: Draft, step: str) -> StepForm:
    form = forms.step_form(draft, step)
    assert form is not None
    return form


# ---- every registered class


@pytest.mark.parametrize("name", registry.names("steps"))
def test_every_parameter_of_every_step_has_a_field(name: str) -> None:
    found: type[BaseStep] = registry.resolve(name)
    form = forms.form_of(StepSpec(name="x", use=name), found)
    schema = found.model_json_schema()["properties"]
    expected = {key for key, value in schema.items() if key not in found.PLACEMENT and not value.get("unused")} - {"llm"}

    assert {entry.path[1] for entry in form.part("own", "replies")} == expected
    assert len({entry.id for entry in form.fields}) == len(form.fields)


@pytest.mark.parametrize("name", registry.names("llms"))
def test_every_parameter_of_every_model_class_has_a_field_or_a_line(name: str) -> None:
    found: type[LLM] = registry.resolve(name, "llms")
    spec = StepSpec(name="x", use="TextGeneration", params={"llm": {"use": name}})
    form = forms.form_of(spec, registry.resolve("TextGeneration"))
    fields = {entry.path[2] for entry in form.part("llm", "connection", "sampling")}

    assert fields >= found.model_fields.keys() - {"generation_kwargs"}
    for secret in drafts.secret_fields(found):
        assert field_of(form, "with", "llm", secret).kind == "secret"


@pytest.mark.parametrize("name", registry.names("steps"))
def test_fields_left_as_they_are_change_nothing(name: str) -> None:
    found: type[BaseStep] = registry.resolve(name)
    form = forms.form_of(StepSpec(name="x", use=name), found)

    for entry in form.fields:
        if entry.kind != "secret":
            assert forms.read_entry(entry, entry.shown) is UNSET, entry.path


# ---- reading entries


def entry(kind: Any, **settings: Any) -> FormField:
    return FormField(("with", "x"), "X", kind, "own", **settings)


@pytest.mark.parametrize(
    ("given", "said", "value"),
    [
        (entry("list"), "a, b ,c", ["a", "b", "c"]),
        (entry("list"), "one, two\nthree", ["one, two", "three"]),
        (entry("list", takes_text_or_list=True), "alone", "alone"),
        (entry("list"), "  ", UNSET),
        (entry("number", is_integer=True, default=3), 7, 7),
        (entry("number", default=3), None, UNSET),
        (entry("number", default=1, is_integer=True), 1, UNSET),
        (entry("flag", default=False), True, True),
        (entry("flag", default=False), False, UNSET),
        (entry("choice", choices=(("Not set", ""), ("Yes", "true"), ("No", "false"))), "false", False),
        (entry("choice", choices=(("a", "a"),)), "a", "a"),
        (entry("yaml"), "a: 1\nb: [x]", {"a": 1, "b": ["x"]}),
        (entry("text"), "", UNSET),
        (entry("area", default="{{ x }}"), "", ""),
    ],
)
def test_what_a_person_enters_becomes_a_value(given: FormField, said: Any, value: Any) -> None:
    assert forms.read_entry(given, said) == value


@pytest.mark.parametrize(
    ("given", "said", "words"),
    [
        (entry("number", minimum=1), 0, "out of range"),
        (entry("number"), "abc", "no number"),
        (entry("yaml"), "a: [", "not YAML"),
        (entry("secret"), "sk-1", "environment"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_reason(given: FormField, said: Any, words: str) -> None:
    with pytest.raises(CannotEdit, match=words):
        forms.read_entry(given, said)


# ---- changing a pipeline


def test_a_field_sets_its_parameter_and_its_default_removes_it(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart)
    aspect = field_of(form_for(draft, "judge"), "with", "aspect")

    changed = forms.set_field(draft, "judge", aspect, "honesty")
    back = forms.set_field(changed, "judge", aspect, "overall-rating")

    assert "aspect: honesty" in changed["text"]
    assert "aspect" not in back["text"]


def test_sampling_fields_and_the_other_settings_share_one_mapping(quickstart: str) -> None:
    draft = forms.set_llm(drafts.new_draft(quickstart), "judge", "OpenAILLM")
    temperature = field_of(form_for(draft, "judge"), "with", "llm", "generation_kwargs", "temperature")
    draft = forms.set_field(draft, "judge", temperature, 0.2)
    rest = field_of(form_for(draft, "judge"), "with", "llm", "generation_kwargs")
    draft = forms.set_field(draft, "judge", rest, "top_p: 0.9")

    spec = drafts.check(draft["text"])[0].spec
    assert spec.step("judge").params["llm"]["generation_kwargs"] == {"temperature": 0.2, "top_p": 0.9}
    cleared = forms.set_field(draft, "judge", temperature, None)
    assert "temperature" not in cleared["text"]
    assert "top_p" in cleared["text"]


def test_another_model_class_keeps_what_both_have(quickstart: str) -> None:
    text = quickstart.replace("reply: judge}", "reply: judge, max_concurrency: 3}")
    draft = forms.set_llm(drafts.new_draft(text), "judge", "OpenAILLM")

    assert drafts.check(draft["text"])[0].spec.step("judge").params["llm"] == {"use": "OpenAILLM", "max_concurrency": 3}


def test_the_key_is_a_line_with_its_variable_and_never_a_value(quickstart: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    draft = forms.set_llm(drafts.new_draft(quickstart), "judge", "OpenAILLM")

    key = field_of(form_for(draft, "judge"), "with", "llm", "api_key")

    assert (key.kind, key.shown, key.is_set) == ("secret", "OPENAI_API_KEY", True)


def test_columns_are_mapped_from_what_arrives(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart.replace("[generations, generation_models]", "[answers, models]"))
    field = field_of(form_for(draft, "judge"), "input_mappings", "generations")

    assert "answers" in [value for _, value in field.choices]
    mended = forms.set_field(draft, "judge", field, "answers")
    assert not [problem for problem in drafts.view(mended)["problems"] if problem["step"] == "judge"]


def test_placement_is_set_and_taken_back(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart)
    replicas = field_of(form_for(draft, "judge"), "resources", "replicas")

    changed = forms.set_field(draft, "judge", replicas, 2)

    assert "replicas: 2" in changed["text"]
    assert "resources" not in forms.set_field(changed, "judge", replicas, 1)["text"]
