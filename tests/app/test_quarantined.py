from __future__ import annotations

import httpx
import pytest

from app.context import AppContext
from app.handlers import quarantined


def test_the_quarantine_is_grouped_by_step_and_reason_with_row_and_fix(ctx: AppContext) -> None:
    found = quarantined.quarantine(ctx.store.get("sample-1"))

    [group] = found["groups"]
    assert (found["total"], group["step"], group["code"], group["count"]) == (1, "answer", "no-recording", 1)
    assert group["rows"][0]["row"]["instruction"]["text"] == "unknown to the recordings"
    assert group["fix"]


async def test_lines_that_cannot_be_read_leave_the_others(client: httpx.AsyncClient, ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    whole = run.quarantine.read_bytes()
    torn = whole.replace(b'"row":{', b'"row":{"odd":{"$distilflow":["decimal","zzz"]},')
    assert torn != whole
    run.quarantine.write_bytes(torn + b"1\n[]\n" + whole)

    assert (await client.get("/api/runs/sample-1/quarantine")).json()["total"] == 1


@pytest.mark.parametrize(
    "rows",
    ["[1]", '[1,null,"x",{"a":"kept"}]', '[{"a":{"$distilflow":["decimal","zzz"]}}]', '[{"a":{"$distilflow":["dict",3]}}]', ""],
)
async def test_newest_rows_that_are_none_are_left_out(client: httpx.AsyncClient, ctx: AppContext, rows: str) -> None:
    newest = ctx.store.get("sample-1").path / "live" / "answer.json"
    newest.unlink()
    newest.write_text(rows) if rows else newest.mkdir()

    told = (await client.get("/api/runs/sample-1/rows", params={"step": "answer"})).json()
    stream = await client.get("/api/runs/sample-1/events", params={"step": "answer"})

    assert len(told["rows"]) == rows.count("kept")
    assert "event: end" in stream.text
