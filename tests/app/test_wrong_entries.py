from __future__ import annotations

from pathlib import Path

import pytest

from app.handlers import drafts, edits
from app.handlers.changes import change_from
from app.handlers.drafts import Draft
from app.handlers.saving import recalled, to_keep
from flows.spec import read_spec
from steps.errors import DistilflowError, PlanError
from tests.app.stepforms import field_of, form_for

ROOT = Path(__file__).parents[2]
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
    draft = edits.set_model(drafts.new_draft(quickstart), "judge", "llm", "OpenAILLM")
    temperature = field_of(form_for(draft, "judge"), "with", "llm", "generation_kwargs", "temperature")
    draft = edits.enter(draft, "judge", temperature, 9)

    assert drafts.view(draft)["wrong"][0]["fix"] == "enter a number from 0 to 2"
    assert drafts.view(edits.set_model(draft, "judge", "llm", "ReplayLLM"))["wrong"] == []


def router_of(draft: Draft, said: str) -> Draft:
    return edits.enter(draft, "load", field_of(form_for(draft, "load"), "router", "with", "n"), said)


@pytest.mark.parametrize(
    "told",
    [
        {"do": "choose-router", "step": "load", "name": ""},
        {"do": "remove", "steps": ["model_b", "model_c"]},
    ],
)
def test_it_goes_with_its_field(told: dict[str, object]) -> None:
    draft = router_of(drafts.new_draft((ROOT / "examples" / "routing.yaml").read_text()), "abc")
    assert len(drafts.view(draft)["wrong"]) == 1

    changed = change_from(told).on(draft)

    assert (drafts.view(changed)["wrong"], drafts.view(changed)["why_no_run"]) == ([], "")
    with pytest.raises(DistilflowError, match="no router"):
        edits.set_field(changed, "load", field_of(form_for(draft, "load"), "router", "with", "n"), 2)


@pytest.mark.parametrize("text", [ROWS.replace("Why?", "Who?"), ROWS.replace("LoadDataFromDicts, with", "Mine, with")])
def test_it_is_past_when_the_text_says_something_else_there(text: str) -> None:
    draft = drafts.with_text(entered(drafts.new_draft(ROWS), BROKEN), text, "YAML")

    assert drafts.view(draft)["wrong"] == []
    assert len(drafts.view(change_from({"do": "undo"}).on(draft))["wrong"]) == 1


def test_it_stays_with_a_step_that_gets_another_name_and_not_with_the_name() -> None:
    draft = change_from({"do": "rename", "step": "load", "name": "rows"}).on(entered(drafts.new_draft(ROWS), BROKEN))
    assert [entry["step"] for entry in drafts.view(draft)["wrong"]] == ["rows"]

    other = change_from({"do": "rename", "step": "answer", "name": "load"}).on(draft)
    assert [entry["step"] for entry in drafts.view(other)["wrong"]] == ["rows"]


def test_it_comes_back_after_a_reload_and_what_a_browser_made_up_does_not() -> None:
    draft = entered(drafts.new_draft(ROWS), BROKEN)
    kept = to_keep(draft)

    assert recalled(None, kept)["wrong"] == draft["wrong"]
    assert recalled(None, {**kept, "wrong": {"load/with-data": {"step": 1}}})["wrong"] == {}
    assert to_keep(entered(draft, "{" * 300_000))["wrong"] == {}


@pytest.mark.parametrize(("was", "now"), [('{"n": 1}', '{"n": true}'), ('{"n": 1}', '{"n": 1.0}')])
def test_values_that_python_takes_for_equal_are_others(was: str, now: str) -> None:
    draft = entered(entered(drafts.new_draft(ROWS), was), now)

    assert field_of(form_for(draft, "load"), "with", "data").shown == now


def test_rows_that_are_too_long_for_a_field_are_told_and_stay() -> None:
    rows = "\n".join(f'{{"instruction": "{"why " * 50}{at}"}}' for at in range(2000))
    draft = entered(drafts.new_draft(ROWS), rows)

    field = field_of(form_for(draft, "load"), "with", "data")
    assert (field.kind, field.shown) == ("note", "2,000 rows, too long for a field: change it in the YAML.")
    assert len(read_spec(draft["text"])[0].steps[0].params["data"]) == 2000


def test_rows_with_what_json_lacks_are_read_back_as_they_were() -> None:
    draft = drafts.new_draft(ROWS.replace("Why?", ".nan"))
    field = field_of(form_for(draft, "load"), "with", "data")

    passed_by = edits.enter(draft, "load", field, field.shown)

    assert field.kind == "yaml"
    assert (drafts.view(passed_by)["wrong"], passed_by["text"]) == ([], draft["text"])
