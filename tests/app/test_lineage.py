"""What the page and its routes tell of single rows."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from app.context import AppContext
from app.handlers import lineage
from flows.distiset.parts import parts_of
from steps.errors import RunError


def test_a_row_is_explained_step_by_step_as_cells(ctx: AppContext) -> None:
    told = lineage.why_view(ctx.store.get("sample-1"), "default / train", 1)

    assert [step["step"] for step in told["steps"]] == ["load", "answer", "chat"]
    load, answer, chat = told["steps"]
    assert (load["kind"], load["row"], load["added"]["note"]["text"]) == ("source", "1", "![x](http://example.com/x.png)")
    [asked] = answer["replies"]
    assert (asked["texts"][0]["text"], asked["chat"]["kind"], asked["is_free"]) == ("bye", "chat", True)
    assert (told["requests"], told["cost"], chat["added"]["messages"]["kind"]) == (0, 0.0, "chat")


@pytest.mark.parametrize(("part", "index"), [("default / test", 0), ("../x / train", 0), ("default", 7), ("", -1)])
def test_rows_that_no_run_made_are_refused(ctx: AppContext, part: str, index: int) -> None:
    with pytest.raises(RunError):
        lineage.why_view(ctx.store.get("sample-1"), part, index)


async def test_the_route_answers_and_refuses_in_words(client: httpx.AsyncClient) -> None:
    told = await client.get("/api/runs/sample-1/why", params={"part": "default / train", "index": 0})
    assert told.status_code == 200
    assert [step["step"] for step in told.json()["steps"]] == ["load", "answer", "chat"]

    refused = await client.get("/api/runs/sample-1/why", params={"part": "default / train", "index": 99})
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown-row")


async def test_requests_and_comparisons_are_routes_too(client: httpx.AsyncClient) -> None:
    asked = (await client.get("/api/runs/sample-1/asked", params={"step": "answer"})).json()
    assert (asked["total"], asked["is_made_again"], asked["items"][0]["texts"][0]["kind"]) == (2, True, "text")
    assert (await client.get("/api/runs/sample-1/asked", params={"step": "load"})).status_code == 404

    found = (await client.get("/api/runs/sample-1/compare/sample-1")).json()
    assert (found["same"], found["changed"], len(found["pairs"])) == (2, 0, 2)
    assert found["pairs"][0]["cells"]["a"] == found["pairs"][0]["cells"]["b"]
    assert (await client.get("/api/runs/sample-1/compare/sample-1", params={"only": "everything"})).status_code == 422
    assert (await client.get("/api/runs/sample-1/compare/none")).status_code == 404


@pytest.mark.parametrize("way", ["why?index=1", "compare/sample-1"])
async def test_a_torn_file_of_the_result_is_told_in_words(client: httpx.AsyncClient, ctx: AppContext, way: str) -> None:
    (part,) = parts_of(ctx.store.get("sample-1")).values()
    for path in part.files:
        path.write_bytes(path.read_bytes()[:100])

    told = await client.get(f"/api/runs/sample-1/{way}")

    assert (told.status_code, told.json()["code"]) == (404, "unreadable-rows")
    assert str(ctx.runs_dir) not in told.text


@pytest.mark.parametrize("way", ["why", "asked?step=load", "compare/sample-1", "data", "quarantine", "card", "download"])
async def test_a_run_that_has_not_begun_is_told_to_be_so(client: httpx.AsyncClient, ctx: AppContext, way: str) -> None:
    run = ctx.store.new("just-started")
    run.path.mkdir()
    (run.path / "process.json").write_text('{"pid": 1, "started_at": 0}')

    told = await client.get(f"/api/runs/just-started/{way}")

    assert told.status_code == 404
    assert "has not begun" in told.json()["error"]


@pytest.mark.parametrize("way", ["why", "compare/sample-1"])
@pytest.mark.parametrize("of", ["default.npy", "load.keys"])
@pytest.mark.parametrize("left", ["nothing", "a folder", "numbers"])
async def test_what_is_noted_of_rows_and_torn_is_told_in_words(
    client: httpx.AsyncClient, ctx: AppContext, way: str, of: str, left: str
) -> None:
    noted = ctx.store.get("sample-1").distiset / ".lineage" / of
    assert noted.exists()
    noted.unlink()
    if left == "a folder":
        noted.mkdir()
    elif left == "numbers":
        with noted.open("wb") as file:
            np.save(file, np.arange(3))
    else:
        noted.touch()

    told = await client.get(f"/api/runs/sample-1/{way}")

    assert told.status_code in (200, 404)
    assert told.status_code == 200 or told.json()["code"] == "no-lineage"


@pytest.mark.parametrize("report", ["[" * 2000, "[]", '{"rows": 3}', '{"rows": ["default"]}', ""])
async def test_a_report_that_is_none_does_not_hide_the_rows(client: httpx.AsyncClient, ctx: AppContext, report: str) -> None:
    (ctx.store.get("sample-1").distiset / "report.json").write_text(report)

    assert (await client.get("/api/runs/sample-1/data")).json()["total"] == 2
    assert (await client.get("/api/runs/sample-1/why")).status_code == 200
