from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest

from app.context import AppContext
from app.handlers import following
from flows.engine.events import Logged, Progress, StepProgress


async def test_a_late_reader_gets_everything_and_the_end(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")

    messages = [message async for message in following.follow(run, step="answer", interval_s=0.01)]

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

    messages = [message async for message in following.follow(run, run.events.stat().st_size, interval_s=0.01)]

    assert [message.kind for message in messages] == ["state", "end"]


async def test_news_arrives_while_the_run_goes_on(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    report = run.report()
    with run.locked():
        run.save_report(report.model_copy(update={"state": "running"}))
        stream = following.follow(run, run.events.stat().st_size, interval_s=0.01)
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

    *_, last = [message async for message in following.follow(run, interval_s=0.01)]

    assert (last.kind, last.data["state"]) == ("end", "failed")


def progress(at: float, **taken: int) -> bytes:
    return Progress(at=at, steps={name: StepProgress(taken=count) for name, count in taken.items()}).model_dump_json().encode()


async def test_of_steps_only_those_that_moved_are_told_and_only_their_last_word(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    log = Logged(at=5.0, level="info", message="next").model_dump_json().encode()
    with run.locked():
        run.save_report(run.report().model_copy(update={"state": "running"}))
        stream = following.follow(run, run.events.stat().st_size, interval_s=0.01)
        await anext(stream)
        told = []
        for lines in ([progress(1, a=1, b=1), progress(2, a=2, b=1)], [progress(3, a=2, b=2)], [progress(4, a=2, b=2)]):
            with run.events.open("ab") as events:
                events.write(b"\n".join([*lines, log]) + b"\n")
            told.append(await asyncio.wait_for(anext(stream), 5))
    await stream.aclose()

    moved = [[{name: step["taken"] for name, step in event.get("steps", {}).items()} for event in one.data] for one in told]
    assert moved == [[{"a": 2, "b": 1}, {}], [{"b": 2}, {}], [{}]]


def test_of_many_snapshots_a_late_reader_gets_enough_for_a_line_and_the_last() -> None:
    lines = [progress(float(at), a=at) for at in range(10_000)]

    kept = following.thinned(lines)

    assert 100 <= len(kept) <= 240
    assert orjson.loads(kept[-1])["steps"]["a"]["taken"] == 9_999


async def test_a_line_that_was_torn_does_not_keep_the_end_of_a_run_from_its_readers(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    whole = run.events.stat().st_size
    with run.events.open("ab") as events:
        events.write(b'{"type":"log","at":1.0,"lev')

    async with asyncio.timeout(10):
        messages = [message async for message in following.follow(run, interval_s=0.01)]

    assert (messages[-1].kind, messages[-1].offset) == ("end", whole)


@pytest.mark.parametrize("report", ["", '{"run_id": "sample-1", "pipe', "[]"])
async def test_a_run_whose_report_is_torn_ends_the_stream_in_words(
    client: httpx.AsyncClient, ctx: AppContext, report: str
) -> None:
    run = ctx.store.get("sample-1")
    (run.path / "run.json").write_text(report)
    (run.path / "live" / "answer.json").unlink()  # whose row were these: the report would tell

    told = await asyncio.wait_for(client.get("/api/runs/sample-1/events", params={"step": "answer"}), 10)

    head, data = told.text.strip().split("\n\n")[-1].split("data: ")
    assert head.startswith("event: end")
    assert orjson.loads(data)["state"] == "failed"
    assert "run.json cannot be read" in orjson.loads(data)["message"]


async def test_events_that_are_none_end_the_stream_all_the_same(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    run.events.write_text('1\n[]\n{"type":"progress"}\n{"type":"progress","steps":[1]}\n')
    *_, last = [message async for message in following.follow(run, interval_s=0.01)]
    assert (last.kind, last.data["state"]) == ("end", "finished")

    run.events.unlink()
    run.events.mkdir()
    *_, last = [message async for message in following.follow(run, interval_s=0.01)]
    assert (last.kind, last.data["state"]) == ("end", "finished")
