from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.context import AppContext
from app.handlers import downloads, hand_edits
from app.handlers.selecting import Query, parse_query
from flows.engine.options import RunOptions
from flows.runs import RunFolder
from steps.errors import RunError
from tests.app.made import PART, result_of


def names_in(run: RunFolder) -> list[str]:
    path = downloads.zip_result(run)
    try:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            return archive.namelist()
    finally:
        path.unlink()


def lines_of(run: RunFolder, query: Query | None = None) -> list[dict[str, Any]]:
    text = b"".join(downloads.stream_rows(run, None, query or Query(), "jsonl")).decode()
    return [json.loads(line) for line in text.splitlines()]


def test_the_zip_holds_the_result_under_the_name_of_the_run_and_no_report(ctx: AppContext) -> None:
    names = names_in(ctx.store.get("sample-1"))

    assert all(name.startswith("sample-1/") for name in names)
    assert {"sample-1/README.md", "sample-1/pipeline.yaml"} <= set(names)
    assert any(name.endswith(".parquet") for name in names)
    assert not any(name.endswith(("run.json", "report.json")) for name in names)


def test_links_out_of_the_result_are_not_followed(ctx: AppContext, tmp_path: Path) -> None:
    run = ctx.store.get("sample-1")
    (tmp_path / "secret").write_text("secret")
    (run.distiset / "link").symlink_to(tmp_path / "secret")
    (run.distiset / "run.log").unlink(missing_ok=True)
    (run.distiset / "run.log").symlink_to(tmp_path / "secret")

    assert not {"sample-1/link", "sample-1/run.log"} & set(names_in(run))


def test_without_a_result_there_is_nothing_to_download(tmp_path: Path, ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    run.save_report(run.report().model_copy(update={"options": RunOptions(output=tmp_path / "nowhere")}))

    with pytest.raises(RunError, match="no result"):
        downloads.zip_result(run)
    with pytest.raises(RunError, match="no result"):
        downloads.stream_rows(run, None, Query(), "csv")


def test_rows_as_lines_have_the_changes_and_keep_the_order_of_the_result(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"n": range(3000), "t": [f"text {n % 7}" for n in range(3000)]}), row_group_size=100)
    hand_edits.drop_row(run, PART, 0)
    seen = hand_edits.form_of(run, PART, 2)["seen"]
    hand_edits.save_row(run, PART, 2, seen, {"t": "by hand"})

    every = lines_of(run)
    some = lines_of(run, parse_query(filters='[["n", "≥", "10"]]', search="text 3", sort="desc:n"))

    assert (len(every), every[0]["n"], every[1]) == (2999, 1, {"n": 2, "t": "by hand"})
    assert [row["n"] for row in some] == [n for n in range(10, 3000) if n % 7 == 3]
    assert lines_of(run, parse_query(search="no such text")) == []


def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path) -> None:
    odd = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "plain", 'quo"te, comma\nline', None, "é数"]
    run = result_of(tmp_path, pa.table({"=cmd|'/c calc'!A0": odd, "n": range(-5, 5), "l": [["=1", "b"]] * 10}))

    text = b"".join(downloads.stream_rows(run, None, Query(), "csv")).decode()
    header, *rows = list(csv.reader(io.StringIO(text, newline="")))

    assert header == ["'=cmd|'/c calc'!A0", "n", "l"]
    assert [row[0] for row in rows] == [f"'{text}" for text in odd[:6] if text] + [odd[6], odd[7], "", odd[9]]
    assert [row[1] for row in rows] == [str(n) for n in range(-5, 5)]
    assert rows[0][2] == '["=1", "b"]'


def test_values_that_json_lacks_are_written_as_text(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"raw": [b"\x00\x01"], "nan": [float("nan")], "image": [{"bytes": b"x", "path": None}]}))

    assert lines_of(run) == [{"raw": "AAE=", "nan": None, "image": {"bytes": "eA==", "path": None}}]
