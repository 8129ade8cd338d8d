from __future__ import annotations

from typing import Any

import pytest

from app.handlers import drafts
from app.handlers.drafts import CannotEdit
from steps.errors import PlanError


def test_a_text_that_is_no_yaml_is_shown_with_its_error() -> None:
    view = drafts.view(drafts.new_draft("steps: [unclosed"))

    assert view["error"] is not None
    assert "not YAML" in view["error"]["what"]
    assert view["why_no_run"] == "Mend the YAML first"


def test_a_problem_stops_run_and_rehearsal_and_says_why(quickstart: str) -> None:
    view = drafts.view(drafts.new_draft(quickstart.replace("aspect: overall-rating", "aspect: nonsense")))

    assert view["why_no_run"] == view["why_no_rehearsal"] == "Fix 1 problem first"
    assert view["problems"][0]["step"] == "judge"


def test_a_missing_key_stops_the_run_but_not_the_rehearsal(quickstart: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    text = quickstart.replace(
        "llm: {use: ReplayLLM, path: examples/data/recordings.jsonl, reply: judge}", "llm: {use: OpenAILLM, model: gpt-4o}"
    )
    draft = drafts.new_draft(text)

    assert drafts.view(draft)["why_no_run"]
    assert not drafts.view(draft)["why_no_rehearsal"]
    with pytest.raises(PlanError):
        drafts.spec_to_run(draft)
    rehearsal = drafts.spec_to_run(draft, is_rehearsal=True)
    assert {step.params["llm"]["use"] for step in rehearsal.steps if "llm" in step.params} == {"RehearsalLLM"}


def test_a_key_in_the_pipeline_is_a_problem_and_is_not_repeated(quickstart: str) -> None:
    text = quickstart.replace(
        "llm: {use: ReplayLLM, path: examples/data/recordings.jsonl, reply: judge}",
        "llm: {use: OpenAILLM, model: m, api_key: sk-very-secret}",
    )

    problems = drafts.view(drafts.new_draft(text))["problems"]

    assert [problem["code"] for problem in problems] == ["secret-in-pipeline"]
    assert "sk-very-secret" not in str(problems)


def test_edits_can_be_undone_and_redone_and_the_opening_comment_stays(quickstart: str) -> None:
    before = drafts.new_draft(quickstart)
    after = drafts.edit_step(before, "judge", "Aspect of judge", lambda step: step["with"].update(aspect="honesty"))

    assert "aspect: honesty" in after["text"]
    assert after["text"].startswith("# Preference data")
    assert drafts.undo(after)["text"] == quickstart
    assert drafts.redo(drafts.undo(after))["text"] == after["text"]


def test_a_run_of_edits_of_one_field_is_one_step_back(quickstart: str) -> None:
    draft = drafts.new_draft(quickstart)
    for number in (5, 51, 512):

        def edit(step: dict[str, Any], number: int = number) -> None:
            step["with"].update(num_examples=number)

        draft = drafts.edit_step(draft, "load", "Rows of load", edit)

    assert [change for change, _ in draft["undo"]] == ["Rows of load"]
    assert drafts.undo(draft)["text"] == quickstart


def test_an_edit_that_makes_the_step_invalid_is_refused(quickstart: str) -> None:
    with pytest.raises(CannotEdit, match="batch_size"):
        drafts.edit_step(drafts.new_draft(quickstart), "load", "x", lambda step: step.update(batch_size=0))


def test_the_selection_falls_back_to_the_first_step(quickstart: str) -> None:
    assert drafts.view(drafts.new_draft(quickstart, "gone"))["selected"] == "load"
