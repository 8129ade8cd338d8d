from __future__ import annotations

import asyncio

import pytest

from app.context import AppContext
from app.handlers import watching
from flows.engine.events import Logged, Progress, StepProgress
from steps.errors import RunError


async def test_a_late_reader_gets_everything_and_the_end(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")

    messages = [message async for message in watching.follow(run, step="answer", interval_s=0.01)]

    kinds = [message.kind for message in messages]
    assert kinds[0] == "events"
    assert kinds[-1] == "end"
    assert kinds.count("rows") == 1
    assert messages[-1].data["state"] == "finished"
    assert messages[-1].offset == run.events.stat().st_size
    rows = next(message.data for message in messages if message.kind == "rows")
    assert rows["columns"][:2] == ["generation", "model_name"]


async def test_a_reader_goes_on_where_it_was(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")

    messages = [message async for message in watching.follow(run, run.events.stat().st_size, interval_s=0.01)]

    assert [message.kind for message in messages] == ["state", "end"]


async def test_news_arrives_while_the_run_goes_on(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    report = run.report()
    with run.locked():
        run.save_report(report.model_copy(update={"state": "running"}))
        stream = watching.follow(run, run.events.stat().st_size, interval_s=0.01)
        first = await anext(stream)
        with run.events.open("ab") as events:
            events.write(Logged(at=1.0, level="info", message="news").model_dump_json().encode() + b"\n")
        second = await asyncio.wait_for(anext(stream), 5)
    await stream.aclose()

    assert (first.kind, second.kind) == ("state", "events")
    assert second.data[0]["message"] == "news"


async def test_a_run_that_was_cut_off_ends_the_stream(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    run.save_report(run.report().model_copy(update={"state": "running", "started_at": 1.0}))
    (run.path / "process.json").unlink(missing_ok=True)

    *_, last = [message async for message in watching.follow(run, interval_s=0.01)]

    assert (last.kind, last.data["state"]) == ("end", "failed")


def test_of_many_snapshots_a_late_reader_gets_enough_for_a_line_and_the_last() -> None:
    events = [Progress(at=float(at), steps={"a": StepProgress(taken=at)}) for at in range(10_000)]

    kept = watching.thinned(events)

    assert 100 <= len(kept) <= 240
    assert kept[-1] is events[-1]


def test_steps_that_a_run_does_not_have_are_refused(ctx: AppContext) -> None:
    with pytest.raises(RunError, match="no step"):
        watching.newest_rows(ctx.store.get("sample-1"), "../../secrets")


def test_a_run_is_shown_with_its_steps_and_what_can_be_done(ctx: AppContext) -> None:
    view = watching.run_view(ctx.store.get("sample-1"), "http://127.0.0.1:4200/api")

    assert [card["name"] for card in view["steps"]] == ["load", "answer", "chat"]
    assert view["has_result"]
    assert not view["can_resume"]
    assert view["prefect"] is None


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
