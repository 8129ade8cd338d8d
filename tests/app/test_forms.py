from __future__ import annotations

import pytest

from app.handlers import drafts, edits, entries, forms
from app.handlers.fields import UNSET
from flows.samples import read_rows
from flows.spec import StepSpec, read_spec
from steps import registry
from steps.base import BaseStep
from steps.models import Model, models_of
from tests.app.stepforms import field_of, form_for


@pytest.mark.parametrize("name", registry.names("steps"))
def test_every_parameter_of_every_step_has_a_field(name: str) -> None:
    found: type[BaseStep] = registry.resolve(name)
    form = forms.form_of(StepSpec(name="x", use=name), found)
    schema = found.model_json_schema()["properties"]
    schema = {key: value for key, value in schema.items() if key not in found.PLACEMENT and key not in models_of(found)}
    expected = {key for key, value in schema.items() if not value.get("unused")}

    assert {entry.path[1] for entry in form.part("own", "replies")} == expected
    assert len({entry.id for entry in form.fields}) == len(form.fields)


PLACES: dict[registry.Kind, tuple[str, str]] = {
    "llms": ("TextGeneration", "llm"),
    "embeddings": ("EmbeddingGeneration", "embeddings"),
    "images": ("ImageGeneration", "image_generation_model"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in registry.MODELS for name in registry.names(kind)])
def test_every_parameter_of_every_model_class_has_a_field_or_a_line(kind: registry.Kind, name: str) -> None:
    found: type[Model] = registry.resolve(name, kind)
    step, place = PLACES[kind]
    form = forms.form_of(StepSpec(name="x", use=step, params={place: {"use": name}}), registry.resolve(step))
    fields = {entry.path[2] for entry in form.part("model", "connection", "sampling")}

    assert fields >= found.model_fields.keys() - {"generation_kwargs"}
    for secret in drafts.secret_fields(found):
        assert field_of(form, "with", place, secret).kind == "secret"


@pytest.mark.parametrize("name", registry.names("steps"))
def test_fields_left_as_they_are_change_nothing(name: str) -> None:
    found: type[BaseStep] = registry.resolve(name)
    form = forms.form_of(StepSpec(name="x", use=name), found)

    for entry in form.fields:
        if entry.kind != "secret":
            assert entries.read_entry(entry, entry.shown) is UNSET, entry.path


def test_the_key_is_a_line_with_its_variable_and_never_a_value(quickstart: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    draft = edits.set_model(drafts.new_draft(quickstart), "judge", "llm", "OpenAILLM")

    key = field_of(form_for(draft, "judge"), "with", "llm", "api_key")

    assert (key.kind, key.shown, key.is_set) == ("secret", "OPENAI_API_KEY", True)


def test_several_keys_are_one_line_that_says_whether_all_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", "sk-secret")
    monkeypatch.delenv("KEY_B", raising=False)
    llm = {"use": "OpenAILLM", "model": "m", "api_key": ["${KEY_A}", "${KEY_B}"]}
    spec = StepSpec(name="x", use="TextGeneration", params={"llm": llm})

    key = field_of(forms.form_of(spec, registry.resolve("TextGeneration")), "with", "llm", "api_key")

    assert (key.kind, key.shown, key.is_set) == ("secret", "KEY_A, $KEY_B", False)
    monkeypatch.setenv("KEY_B", "sk-secret")
    key = field_of(forms.form_of(spec, registry.resolve("TextGeneration")), "with", "llm", "api_key")
    assert key.is_set


def test_fields_of_columns_have_ids_of_their_own_whatever_columns_are_called() -> None:
    columns = ["text", "Text", "a b", "a-b", "a_b", "_a_b", "问题", "回答"]
    draft = drafts.new_draft(f"steps: [{{name: load, use: LoadDataFromDicts, with: {{data: [{dict.fromkeys(columns, 1)}]}}}}]")

    form = form_for(draft, "load")

    assert [entry.path[1] for entry in form.part("mapping")] == columns
    assert len({entry.id for entry in form.fields}) == len(form.fields)


def test_of_a_wide_source_some_columns_have_fields_and_those_that_are_renamed() -> None:
    row = {f"c{number}": 1 for number in range(200)}
    renamed = "output_mappings: {c150: other}"
    draft = drafts.new_draft(f"steps: [{{name: load, use: LoadDataFromDicts, with: {{data: [{row}]}}, {renamed}}}]")

    form = form_for(draft, "load")

    shown = form.part("mapping")
    assert len(shown) == forms.MOST_COLUMNS + 1
    assert (shown[-1].path[1], shown[-1].shown) == ("c150", "other")
    assert form.mapping_note == "1 mapped, 40 of 200 columns"


def test_names_given_to_columns_of_a_source_that_cannot_be_read_are_still_shown() -> None:
    text = "steps: [{name: load, use: LoadDataFromFileSystem, with: {data_files: nowhere.jsonl}, output_mappings: {a: b}}]"

    [field] = form_for(drafts.new_draft(text), "load").part("mapping")

    assert (field.path, field.shown) == (("output_mappings", "a"), "b")


def test_rows_have_a_field_that_shows_what_to_write() -> None:
    text = "name: a\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: é}, {a: [1, null]}]}}\n"
    full, empty = drafts.new_draft(text), drafts.new_draft(text.replace("{data: [{a: é}, {a: [1, null]}]}", "{}"))

    field = field_of(form_for(full, "load"), "with", "data")

    assert (field.kind, field.shown) == ("rows", '{"a": "é"}\n{"a": [1, null]}')
    assert field_of(form_for(empty, "load"), "with", "data").shown == ""
    assert read_rows(field.placeholder)
    assert "CSV" in field.info


def test_each_place_for_a_model_has_a_choice_and_fields_of_its_own() -> None:
    text = """
distilflow: 1
name: p
steps:
- {name: load, use: LoadDataFromDicts}
- {name: embed, use: EmbeddingGeneration, after: load}
"""
    draft = edits.set_model(drafts.new_draft(text), "embed", "embeddings", "SentenceTransformerEmbeddings")

    form = form_for(draft, "embed")
    changed = edits.set_field(draft, "embed", field_of(form, "with", "embeddings", "model"), "acme/small")

    [place] = form.models
    assert (place.name, place.use) == ("embeddings", "SentenceTransformerEmbeddings")
    assert set(place.choices) == set(registry.names("embeddings"))
    assert field_of(form, "with", "embeddings", "token").kind == "secret"
    spec, _ = read_spec(changed["text"])
    assert spec.step("embed").params == {"embeddings": {"use": "SentenceTransformerEmbeddings", "model": "acme/small"}}


PANEL = """
name: x
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{text: a}]}}
  - name: panel
    use: JudgePanel
    after: load
    with:
      question: {title: Is it so?, labels: [right, wrong]}
      columns: [text]
      judges:
        - {name: mini, llm: {use: OpenAILLM, model: gpt-4o-mini, api_key: "${MINI_KEY}"}}
        - {name: strict, prompt: Be strict.}
"""


def test_judges_with_models_of_their_own_are_edited_as_yaml() -> None:
    draft = drafts.new_draft(PANEL)
    judges = field_of(form_for(draft, "panel"), "with", "judges")

    assert judges.kind == "yaml"
    assert "model: gpt-4o-mini" in str(judges.shown)
    changed = edits.set_field(draft, "panel", judges, f"{judges.shown}\n- name: rule\n  template: right")
    spec, problems = read_spec(changed["text"])
    assert not problems
    names = [judge["name"] for judge in spec.step("panel").params["judges"]]
    assert names == ["mini", "strict", "rule"]
    assert spec.step("panel").params["judges"][0]["llm"]["api_key"] == "${MINI_KEY}"


def test_the_question_of_a_panel_is_edited_as_yaml_and_a_mistake_in_it_is_told() -> None:
    draft = drafts.new_draft(PANEL)
    question = field_of(form_for(draft, "panel"), "with", "question")

    changed = edits.set_field(draft, "panel", question, "type: rating\nlabels: [low, high]")

    _, problems = drafts.check(changed["text"])
    assert question.kind == "yaml"
    assert any("question" in problem.what and problem.step == "panel" for problem in problems)
