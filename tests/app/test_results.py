from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.context import AppContext
from app.handlers import results
from app.handlers.markdown import render_markdown
from flows.engine.options import RunOptions
from flows.runs import RunFolder
from steps.errors import RunError


def test_a_page_has_cells_columns_and_numbers(ctx: AppContext) -> None:
    page = results.page(ctx.store.get("sample-1"))

    assert (page["total"], page["page"], page["parts"]) == (2, 1, ["default / train"])
    assert page["rows"][0]["messages"]["kind"] == "chat"
    assert page["rows"][0]["note"]["text"] == "<script>window.hacked = 1</script>"


def test_only_the_row_groups_of_the_page_are_read(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ctx.store.get("sample-1")
    [path] = results.parts(run)["default / train"]
    pq.write_table(pa.table({"n": list(range(1000))}), path, row_group_size=10)
    read: list[int] = []
    real = pq.ParquetFile.read_row_group

    def counting(self: Any, group: int, *args: Any, **settings: Any) -> Any:
        read.append(group)
        return real(self, group, *args, **settings)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counting)
    page = results.page(run, number=3, size=25)

    assert [row["n"]["text"] for row in page["rows"]] == [str(n) for n in range(50, 75)]
    assert read == [5, 6, 7]


@pytest.mark.parametrize("number", [-4, 0, 999])
def test_pages_that_do_not_exist_are_the_nearest_that_do(ctx: AppContext, number: int) -> None:
    assert results.page(ctx.store.get("sample-1"), number=number)["page"] == 1


@pytest.mark.parametrize(("part", "index"), [("../x", 0), ("default / train", 99), ("default / train", -1)])
def test_rows_and_parts_that_do_not_exist_are_refused(ctx: AppContext, part: str, index: int) -> None:
    with pytest.raises(RunError):
        results.whole_row(ctx.store.get("sample-1"), part, index)


def test_the_quarantine_is_grouped_by_step_and_reason_with_row_and_fix(ctx: AppContext) -> None:
    found = results.quarantine(ctx.store.get("sample-1"))

    [group] = found["groups"]
    assert (found["total"], group["step"], group["code"], group["count"]) == (1, "answer", "no-recording", 1)
    assert group["rows"][0]["row"]["instruction"]["text"] == "unknown to the recordings"
    assert group["fix"]


def test_the_card_is_html_without_front_matter(ctx: AppContext) -> None:
    found = results.card_html(ctx.store.get("sample-1"))

    assert found is not None
    assert "<h1>" in found
    assert "configs:" not in found


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("![x](http://example.com/x.png)", "<img"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("[x](data:text/html;base64,aaaa)", 'href="data'),
        ("[x](//example.com)", 'href="//'),
        ("```mermaid\n<script>\n```", "<script"),
        ("[x]: javascript:alert(1)\n\n[x]", 'href="javascript'),
    ],
)
def test_hostile_markdown_is_only_text(text: str, absent: str) -> None:
    assert absent not in render_markdown(text).lower()


def test_the_zip_holds_the_result_under_the_name_of_the_run_and_no_report(ctx: AppContext) -> None:
    path = results.zip_result(ctx.store.get("sample-1"))
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    finally:
        path.unlink()

    assert all(name.startswith("sample-1/") for name in names)
    assert any(name.endswith(".parquet") for name in names)
    assert not any(name.endswith("run.json") for name in names)


def test_links_out_of_the_result_are_not_followed(ctx: AppContext, tmp_path: Path) -> None:
    run = ctx.store.get("sample-1")
    (tmp_path / "secret").write_text("secret")
    (run.distiset / "link").symlink_to(tmp_path / "secret")
    path = results.zip_result(run)
    try:
        with zipfile.ZipFile(path) as archive:
            assert "sample-1/link" not in archive.namelist()
    finally:
        path.unlink()


def test_without_a_result_there_is_nothing_to_page_or_zip(tmp_path: Path, ctx: AppContext) -> None:
    run = RunFolder(tmp_path / "runs" / "sample-1")
    report = run.report()
    run.save_report(report.model_copy(update={"options": RunOptions(output=tmp_path / "nowhere")}))

    assert results.page(run)["parts"] == []
    assert results.card_html(run) is None
    with pytest.raises(RunError, match="no result"):
        results.zip_result(run)
