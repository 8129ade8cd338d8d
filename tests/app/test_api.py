from __future__ import annotations

import io
import zipfile

import httpx
import orjson
import pytest

from app.api.assets import assets_path


async def test_health_runs_and_examples_are_told(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/health")).json() == {"status": "ok", "prefect": None}
    [run] = (await client.get("/api/runs")).json()
    assert (run["id"], run["state"], run["rows"], run["quarantined"]) == ("sample-1", "finished", 2, 1)
    assert "quickstart.yaml" in [card["file"] for card in (await client.get("/api/examples")).json()]


async def test_events_stream_until_the_end_and_resume_by_offset(client: httpx.AsyncClient) -> None:
    reply = await client.get("/api/runs/sample-1/events", params={"step": "answer"})
    messages = [part for part in reply.text.split("\n\n") if part.startswith("event: ")]

    assert reply.headers["content-type"].startswith("text/event-stream")
    assert messages[0].startswith("event: events\nid: ")
    assert messages[-1].startswith("event: end")
    last = messages[-1].split("id: ")[1].split("\n")[0]
    again = await client.get("/api/runs/sample-1/events", headers={"Last-Event-ID": last})
    assert "event: events" not in again.text
    assert (await client.get("/api/runs/sample-1/events", params={"start": last})).text == again.text


async def test_rows_pages_quarantine_card_and_log_are_data(client: httpx.AsyncClient) -> None:
    rows = (await client.get("/api/runs/sample-1/rows", params={"step": "answer"})).json()
    assert rows["rows"][0]["generation"]["text"] == "hi <img src=x onerror=alert(1)>"
    for name in ("data", "quarantine", "card", "log", "changes", "push-checks", "data/statistics?column=note"):
        reply = await client.get(f"/api/runs/sample-1/{name}")
        assert reply.status_code == 200, name
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-content-type-options"] == "nosniff"


async def test_the_download_is_a_zip_that_is_not_left_behind(client: httpx.AsyncClient) -> None:
    reply = await client.get("/api/runs/sample-1/download")

    assert 'filename="sample-1.zip"' in reply.headers["content-disposition"]
    assert zipfile.ZipFile(io.BytesIO(reply.content)).testzip() is None


async def test_rows_are_downloaded_as_lines_and_as_a_sheet(client: httpx.AsyncClient) -> None:
    asked = {"filters": '[["instruction", "contains", "bye"]]'}
    lines = await client.get("/api/runs/sample-1/download/jsonl", params=asked)
    sheet = await client.get("/api/runs/sample-1/download/csv")

    assert [orjson.loads(line)["generation"] for line in lines.text.splitlines()] == ["bye"]
    assert 'filename="sample-1.csv"' in sheet.headers["content-disposition"]
    assert sheet.text.count("\r\n") == 3


async def test_a_row_is_edited_dropped_and_restored(client: httpx.AsyncClient) -> None:
    about: dict[str, str | int] = {"part": "default / train", "index": 0}
    form = (await client.get("/api/runs/sample-1/data/form", params=about)).json()
    edited = {**about, "seen": form["seen"], "values": {"note": "by hand"}}

    assert (await client.post("/api/runs/sample-1/data/edit", json=edited)).json() == {"saved": 1}
    wrong = {**edited, "values": {"nope": "x"}}
    assert (await client.post("/api/runs/sample-1/data/edit", json=wrong)).status_code == 404
    form = (await client.get("/api/runs/sample-1/data/form", params=about)).json()
    refused = await client.post("/api/runs/sample-1/data/edit", json={**wrong, "seen": form["seen"]})
    assert (refused.status_code, refused.json()["of"]) == (422, {"nope": "there is no such column"})
    assert (await client.post("/api/runs/sample-1/data/drop", json=about)).status_code == 200
    changes = (await client.get("/api/runs/sample-1/changes")).json()["changes"]
    for change in changes:
        assert (await client.post("/api/runs/sample-1/changes/undo", json={"change": change["id"]})).status_code == 200
    assert (await client.get("/api/runs/sample-1/changes")).json()["total"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json", "origin": "http://elsewhere.example"},
        {"content-type": "application/json", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
async def test_pages_of_other_sites_change_nothing(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    body = orjson.dumps({"part": "default / train", "index": 0})
    reply = await client.post("/api/runs/sample-1/data/drop", content=body, headers=headers)

    assert reply.status_code == 403
    assert (await client.get("/api/runs/sample-1/changes")).json()["total"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/nope",
        "/api/runs/..%2F..%2Fetc/log",
        "/api/runs/sample-1/rows?step=..%2F..%2Fx",
        "/api/runs/sample-1/data?part=x",
        "/api/runs/sample-1/data/row?part=x&index=0",
        "/api/runs/sample-1/data/statistics?column=x",
        "/api/runs/sample-1/download/csv?part=x",
        "/api/runs/nope/events",
    ],
)
async def test_what_does_not_exist_is_told_as_data_without_a_trace(client: httpx.AsyncClient, path: str) -> None:
    reply = await client.get(path)

    assert reply.status_code == 404
    assert "Traceback" not in reply.text
    assert "error" in orjson.loads(reply.content) or "detail" in orjson.loads(reply.content)


async def test_own_files_may_be_kept_as_long_as_their_path_names_their_content(client: httpx.AsyncClient) -> None:
    current = await client.get(f"/{assets_path()}/page.js")
    stale = await client.get("/own/000000000000/page.js")

    assert "immutable" in current.headers["cache-control"]
    assert "javascript" in current.headers["content-type"]
    assert stale.headers["cache-control"] == "no-store"
    for path in ("/own/x/..%2Fapi.py", "/own/x/nope.js", "/own/x/..%5Capi.py"):
        assert (await client.get(path)).status_code == 404
