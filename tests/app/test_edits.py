from __future__ import annotations

from app.handlers import drafts, edits
from tests.app.stepforms import field_of, form_for

TWO_STEPS = """\
distilflow: 1
name: two
steps:
  - name: load
    use: LoadDataFromDicts
    with: {data: [{question: Why?, id: 1}]}
  - {name: answer, use: TextGeneration, after: load}
"""


def test_a_field_sets_its_parameter_and_its_default_removes_it(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart)
    aspect = field_of(form_for(draft, "judge"), "with", "aspect")

    changed = edits.set_field(draft, "judge", aspect, "honesty")
    back = edits.set_field(changed, "judge", aspect, "overall-rating")

    assert "aspect: honesty" in changed["text"]
    assert "aspect" not in back["text"]


def test_a_field_that_is_left_as_it_was_changes_nothing(quickstart: str) -> None:
    explicit, implicit = drafts.new_draft(quickstart), drafts.new_draft(TWO_STEPS)
    aspect = field_of(form_for(explicit, "judge"), "with", "aspect")
    seed = field_of(form_for(implicit, "answer"), "with", "llm", "seed")

    assert "aspect: overall-rating" in quickstart  # the default, said all the same
    assert edits.set_field(explicit, "judge", aspect, aspect.shown) == explicit
    assert edits.set_field(implicit, "answer", seed, seed.shown) == implicit
    assert edits.set_field(implicit, "answer", seed, 7) != implicit


def test_sampling_fields_and_the_other_settings_share_one_mapping(quickstart: str) -> None:
    draft = edits.set_model(drafts.new_draft(quickstart), "judge", "llm", "OpenAILLM")
    temperature = field_of(form_for(draft, "judge"), "with", "llm", "generation_kwargs", "temperature")
    draft = edits.set_field(draft, "judge", temperature, 0.2)
    rest = field_of(form_for(draft, "judge"), "with", "llm", "generation_kwargs")
    draft = edits.set_field(draft, "judge", rest, "top_p: 0.9")

    spec = drafts.check(draft["text"])[0].spec
    assert spec.step("judge").params["llm"]["generation_kwargs"] == {"temperature": 0.2, "top_p": 0.9}
    cleared = edits.set_field(draft, "judge", temperature, None)
    assert "temperature" not in cleared["text"]
    assert "top_p" in cleared["text"]


def test_another_model_class_keeps_what_both_have(quickstart: str) -> None:
    text = quickstart.replace("reply: judge}", "reply: judge, max_concurrency: 3}")
    draft = edits.set_model(drafts.new_draft(text), "judge", "llm", "OpenAILLM")

    assert drafts.check(draft["text"])[0].spec.step("judge").params["llm"] == {"use": "OpenAILLM", "max_concurrency": 3}


def test_columns_are_mapped_from_what_arrives(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart.replace("[generations, generation_models]", "[answers, models]"))
    field = field_of(form_for(draft, "judge"), "input_mappings", "generations")

    assert "answers" in [value for _, value in field.choices]
    mended = edits.set_field(draft, "judge", field, "answers")
    assert not [problem for problem in drafts.view(mended)["problems"] if problem["step"] == "judge"]


def test_placement_is_set_and_taken_back(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart)
    replicas = field_of(form_for(draft, "judge"), "resources", "replicas")

    changed = edits.set_field(draft, "judge", replicas, 2)

    assert "replicas: 2" in changed["text"]
    assert "resources" not in edits.set_field(changed, "judge", replicas, 1)["text"]


def test_columns_of_a_source_get_other_names() -> None:
    draft = drafts.new_draft(TWO_STEPS)
    name = field_of(form_for(draft, "load"), "output_mappings", "question")
    assert name.label == "Name for question"

    renamed = edits.set_field(draft, "load", name, "instruction")

    assert drafts.view(renamed)["problems"] == []
    again = field_of(form_for(renamed, "load"), "output_mappings", "question")
    assert again.shown == "instruction"
    assert "output_mappings" not in edits.set_field(renamed, "load", again, "")["text"]


def test_a_column_is_used_for_a_missing_one_in_one_change() -> None:
    draft = drafts.new_draft(TWO_STEPS)
    [problem] = drafts.view(draft)["problems"]
    [card] = next(step for step in drafts.view(draft)["steps"] if step["name"] == "answer")["problems"]
    assert problem["step"] == card["step"] == "answer"

    mended = edits.use_column(draft, "answer", card["column"], card["uses"][0])

    assert drafts.view(mended)["problems"] == []
    assert mended["selected"] == "answer"
    assert [name for name, _ in mended["undo"]] == ["question as instruction of answer"]
    assert drafts.undo(mended)["text"] == draft["text"]
