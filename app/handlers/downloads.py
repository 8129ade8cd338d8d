"""The result as one file: all of it as a zip of Parquet, card and pipeline, or its rows as JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from app.handlers.columns import columns_in
from app.handlers.duck import table_of
from app.handlers.results import Result
from app.handlers.selecting import Query
from flows.distiset.publishing import prepared
from flows.parquet.values import json_text
from flows.runs import RunFolder
from steps.base import Row

Format = Literal["jsonl", "csv"]
CHUNK_ROWS = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a text that starts like this."""


def zip_result(run: RunFolder) -> Path:
    """A zip file of the result with its changes, in a temporary place; the caller deletes it.

    Raises:
        RunError: There is no result, or a file of it is torn.
    """
    with (
        prepared(run) as folder,
        tempfile.NamedTemporaryFile(prefix="distilflow-", suffix=".zip", delete=False) as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,  # Parquet is compressed already
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, Path(run.run_id) / path.relative_to(folder))
    return Path(target.name)


def stream_rows(run: RunFolder, part: str | None, query: Query, form: Format) -> Iterator[bytes]:
    """The rows that fit, in the order of the result, as text in chunks.

    All that can be wrong with the question is told before the first chunk.

    Raises:
        RunError: There is no such part, or a file is torn.
        BadQuery: The query does not fit the columns.
    """
    result = Result(run, part)
    names = [column.name for column in columns_in(table_of(result.part).schema)]
    places = result.places(Query(query.search, query.filters)) if query.is_narrow else None
    write = _as_csv if form == "csv" else _as_jsonl
    return write(names, _rows(result, places))


def _rows(result: Result, places: Any | None) -> Iterator[Row]:
    """Rows one after the other, of any number in little memory."""
    import numpy as np

    applied = result.applied
    if places is None:
        for index, row in result.part.rows():
            if index not in applied.dropped:
                yield applied.row(index, row)
        return
    wanted = np.zeros(int(places.max()) + 1 if len(places) else 0, dtype=bool)
    wanted[places] = True
    for index, row in result.part.rows(0, len(wanted)):
        if wanted[index]:
            yield applied.row(index, row)


def _as_jsonl(names: list[str], rows: Iterator[Row]) -> Iterator[bytes]:
    lines: list[str] = []
    for row in rows:
        lines.append(json_text(row) + "\n")
        if len(lines) >= CHUNK_ROWS:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _as_csv(names: list[str], rows: Iterator[Row]) -> Iterator[bytes]:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([_safe(name) for name in names])
    for count, row in enumerate(rows, 1):
        writer.writerow([_cell(row.get(name)) for name in names])
        if count % CHUNK_ROWS == 0:
            yield file.getvalue().encode(errors="replace")
            file.seek(0)
            file.truncate()
    yield file.getvalue().encode(errors="replace")


def _cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case str():
            return _safe(value)
    return _safe(json_text(value).strip('"'))


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
