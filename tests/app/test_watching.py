from __future__ import annotations

import pytest

from app.context import AppContext
from app.handlers import watching
from flows.engine.options import RunOptions
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.spec import read_spec, spec_from
from steps.errors import RunError


def test_steps_that_a_run_does_not_have_are_refused(ctx: AppContext) -> None:
    with pytest.raises(RunError, match="no step"):
        watching.newest_rows(ctx.store.get("sample-1"), "../../secrets")


def test_rows_that_were_taken_over_are_shown_as_the_run_made_them_that_they_come_from(ctx: AppContext) -> None:
    sample = ctx.store.get("sample-1")
    options = RunOptions(reuse=(sample.path.absolute(),))
    again = run_inline(plan(sample.spec()), ctx.runs_dir, run_id="again", options=options)

    shown = watching.newest_rows(again, "answer")

    assert shown["from_run"] == "sample-1"
    assert shown["rows"] == watching.newest_rows(sample, "answer")["rows"] != []
    assert "from_run" not in watching.newest_rows(again, "load")


def test_a_run_is_shown_with_its_steps_and_what_can_be_done(ctx: AppContext) -> None:
    view = watching.run_view(ctx.store.get("sample-1"), "http://127.0.0.1:4200/api")

    assert [card["name"] for card in view["steps"]] == ["load", "answer", "chat"]
    assert view["has_result"]
    assert not view["can_resume"]
    assert view["prefect"] is None


def test_what_a_run_did_not_come_to_is_told_with_it_and_in_the_list(ctx: AppContext) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a"}]}}
    until = {"name": "until", "use": "GenerateUntil", "after": "load", "with": {"num_rows": 5, "max_rounds": 2}}
    spec, _ = spec_from({"distilflow": 1, "steps": [load, until]})
    run = run_inline(plan(spec), ctx.runs_dir, run_id="short")

    [listed] = watching.list_runs(ctx.store, ["short"])

    assert listed["shortfalls"] == watching.run_view(run)["report"]["shortfalls"]
    assert [(one["step"], one["what"]) for one in listed["shortfalls"]] == [
        ("until", "2 of 5 rows, and the source has no more")
    ]


def test_the_link_to_prefect_leads_to_its_page() -> None:
    assert watching.flow_run_link("http://127.0.0.1:4200/api", "abc") == "http://127.0.0.1:4200/runs/flow-run/abc"


def test_a_past_run_is_not_judged_by_what_is_installed_today(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    pipeline = run.path / "pipeline.yaml"
    pipeline.write_text(pipeline.read_text().replace("use: TextGeneration", "use: AcmeAnswer"))

    view = watching.run_view(run)

    assert [card["problems"] for card in view["steps"]] == [[], [], []]
    assert [card["is_known"] for card in view["steps"]] == [True, False, True]
    assert view["report"]["steps"]["answer"]["state"] == "done"


def test_the_pipeline_of_a_run_can_be_had_as_text(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")

    told = watching.pipeline_text(run)

    assert (told["name"], read_spec(told["text"])[0]) == ("sample", run.spec())
    (run.path / "pipeline.yaml").write_text("steps: [")
    with pytest.raises(RunError, match="cannot be read"):
        watching.pipeline_text(run)


@pytest.mark.parametrize("report", ["", '{"run_id": "torn-1", "pipe', "[]", '{"run_id": 1}'])
def test_a_run_whose_report_is_torn_stands_in_the_list_as_failed_beside_the_others(ctx: AppContext, report: str) -> None:
    torn = ctx.store.new("torn-20260101-000000-ab12")
    torn.path.mkdir()
    (torn.path / "run.json").write_text(report)

    told = {entry["pipeline"]: entry["state"] for entry in watching.list_runs(ctx.store)}

    assert told == {"torn": "failed", "sample": "finished"}
    assert "cannot be read" in watching.told_of(torn).message
