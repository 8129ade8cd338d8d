from __future__ import annotations

import pytest

from app.handlers import drafts, edits
from app.handlers.changes import change_from
from app.handlers.drafts import Draft
from steps.errors import PlanError
from tests.app.stepforms import field_of, form_for

ROWS = """\
name: two
steps:
  - {name: load, use: LoadDataFromDicts, with: {data: [{instruction: Why?}]}}
  - {name: answer, use: TextGeneration, after: load}
"""
BROKEN = '{"instruction": "Why?"}\n{"instruction": "How?'


def entered(draft: Draft, said: str) -> Draft:
    return edits.enter(draft, "load", field_of(form_for(draft, "load"), "with", "data"), said)


def test_what_cannot_be_understood_is_a_problem_of_its_step_and_stays_in_its_field() -> None:
    draft = entered(drafts.new_draft(ROWS), BROKEN)

    view = drafts.view(draft)
    assert [(entry["step"], entry["field"]) for entry in view["wrong"]] == [("load", "with-data")]
    assert "Data, line 2" in view["wrong"][0]["what"]
    assert [problem["code"] for problem in view["steps"][0]["problems"]] == ["wrong-entry"]
    assert (view["why_no_run"], view["why_no_rehearsal"]) == ("Fix 1 problem first", "Fix 1 problem first")
    assert draft["text"] == ROWS
    assert field_of(form_for(draft, "load"), "with", "data").shown == BROKEN


@pytest.mark.parametrize("is_rehearsal", [True, False])
def test_it_stops_a_run_that_the_page_asks_for_all_the_same(is_rehearsal: bool) -> None:
    with pytest.raises(PlanError, match="Data, line 2"):
        drafts.spec_to_run(entered(drafts.new_draft(ROWS), BROKEN), is_rehearsal)


def test_it_is_over_when_the_field_is_put_right() -> None:
    draft = entered(entered(drafts.new_draft(ROWS), BROKEN), BROKEN + '"}')

    assert drafts.view(draft)["wrong"] == []
    assert "How?" in draft["text"]


def test_it_can_be_given_up_and_goes_with_its_step() -> None:
    draft = entered(drafts.new_draft(ROWS), BROKEN)

    given_up = change_from({"do": "discard-entry", "step": "load", "field": "with-data"}).on(draft)
    gone = change_from({"do": "remove", "steps": ["load"]}).on(draft)

    assert drafts.view(given_up)["wrong"] == drafts.view(gone)["wrong"] == []
    assert field_of(form_for(given_up, "load"), "with", "data").shown == '{"instruction": "Why?"}'


def test_another_model_has_other_fields(quickstart: str) -> None:
    draft = edits.set_llm(drafts.new_draft(quickstart), "judge", "OpenAILLM")
    temperature = field_of(form_for(draft, "judge"), "with", "llm", "generation_kwargs", "temperature")
    draft = edits.enter(draft, "judge", temperature, 9)

    assert drafts.view(draft)["wrong"][0]["fix"] == "enter a number from 0 to 2"
    assert drafts.view(edits.set_llm(draft, "judge", "ReplayLLM"))["wrong"] == []
