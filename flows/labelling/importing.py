"""Annotations out of files and runs, as rows with the columns `item`, `annotator` and `label`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson
import xxhash

from flows.distiset.artifacts import artifacts_of
from flows.distiset.parts import Part, leaves_of
from flows.labelling.log import decode
from flows.runs import RunFolder
from steps.base import Row
from steps.errors import RunError, SpecError
from steps.labels.annotations import ANNOTATOR, ITEM, LABEL
from steps.labels.column_names import NAMES, usual_column
from steps.wording import listed

CONSOLIDATED = frozenset({"item", "label", "distribution", "annotation_ids", "strategy"})
"""Columns by which the rows of `ConsolidateLabels` are known."""
ARTIFACT = "annotations"
LARGEST_CELL = 1 << 24


def rows_of_text(text: str, name: str = "") -> list[Row]:
    """The rows of a file: JSON Lines, a JSON list, or CSV with a header.

    Raises:
        SpecError: It is none of these, or has no rows.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise SpecError(f"{name or 'the file'} is empty", "give a file with a row for each annotation")
    begins = text.lstrip()[:1]
    if begins == "[":
        rows = _json(text, name)
    elif begins == "{" or name.endswith((".jsonl", ".ndjson")):
        rows = [_object(line, f"line {number}") for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    else:
        rows = _csv(text, name)
    return named_as_ours(rows)


def rows_of_file(path: Path) -> list[Row]:
    """The rows of a file on disk, Parquet too.

    Raises:
        SpecError: It cannot be read.
    """
    if path.suffix == ".parquet":
        return named_as_ours([row for _, row in Part(path.name, (path.absolute(),), ()).rows()])
    try:
        return rows_of_text(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is no text in UTF-8", "save it as CSV or JSON Lines in UTF-8") from error


def named_as_ours(rows: list[Row]) -> list[Row]:
    """Rows whose columns have our names. Without an annotator they are items yet to be annotated.

    Raises:
        SpecError: There are annotators, but nothing that says which item, or what the answer is.
    """
    seen = list(dict.fromkeys(column for row in islice(rows, 1000) for column in row))
    names = dict[str, str]()
    for ours in NAMES:
        if ours not in seen and (found := usual_column(ours, seen)) is not None:
            names[found] = ours
    renamed = [{names.get(column, column): value for column, value in row.items()} for row in rows] if names else rows
    ours_seen = {names.get(column, column) for column in seen}
    if ANNOTATOR not in ours_seen:
        return [row if ITEM in row else {ITEM: _content_id(row), **row} for row in renamed]
    if lacking := [column for column in (ITEM, LABEL) if column not in ours_seen]:
        wanted = f"name columns {listed([ITEM, ANNOTATOR, LABEL])}; or {listed(NAMES[lacking[0]][1:])}"
        raise SpecError(f"no column {lacking[0]!r} was found; there are {listed(seen)}", wanted)
    return renamed


def _content_id(row: Row) -> str:
    return xxhash.xxh3_64_hexdigest(orjson.dumps(row, option=orjson.OPT_SORT_KEYS, default=str))


def _object(line: str, where: str) -> Row:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SpecError(f"{where} is no JSON: {error}", "write one object a line") from None
    if not isinstance(found, dict):
        raise SpecError(f"{where} holds no object", 'write one object a line, such as {"item": "1", "annotator": "ann", ...}')
    return found


def _json(text: str, name: str) -> list[Row]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SpecError(f"{name or 'the text'} is no JSON: {error}", "write a list of objects, or JSON Lines") from None
    if not all(isinstance(row, dict) for row in found):
        raise SpecError(f"{name or 'the text'} is no list of objects", "write one object for each annotation")
    return list(found)


def _csv(text: str, name: str) -> list[Row]:
    csv.field_size_limit(LARGEST_CELL)
    first = text.split("\n", 1)[0]
    sign = max(",;\t", key=first.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign, restkey="", strict=True)
        rows = []
        for row in reader:
            if row.get("", None):
                what = f"{name or 'the text'}, line {reader.line_num}: it has more cells than the header has names"
                raise SpecError(what, f'put quotes around a cell that holds "{sign}"')
            rows.append({column: value for column, value in row.items() if value not in ("", None)})
    except csv.Error as error:
        what = f"{name or 'the text'} cannot be read as CSV from line {reader.line_num} on: {error}"
        raise SpecError(what, "look for a quote that is not closed, or save it as JSON Lines") from None
    if not rows:
        raise SpecError(f"{name or 'the text'} has a header, but no rows", "give a row for each annotation")
    return rows


# ---- runs


def is_reviewable(columns: Iterable[str]) -> bool:
    """Whether rows with these columns are annotations, or were consolidated from some."""
    found = set(columns)
    return {ITEM, ANNOTATOR, LABEL} <= found or found >= CONSOLIDATED


def reviewable_leaves(run: RunFolder) -> list[str]:
    """The leaves of a run's result that a project can be made from. Reads only what files say of themselves."""
    return [name for name, leaf in leaves_of(run).items() if is_reviewable(_columns(leaf))]


def _columns(part: Part) -> list[str]:
    files = part.open()
    names = list(files[0].schema_arrow.names) if files else []
    for file in files:
        file.close()
    return names


def rows_of_run(run: RunFolder, leaf: str | None = None) -> list[Row]:
    """The annotations of a run: the rows of a leaf, or those that its `ConsolidateLabels` worked on.

    What the run's other leaves tell of the same items comes with them.

    Raises:
        RunError: It has none.
    """
    found = reviewable_leaves(run)
    if leaf is None and found:
        leaf = found[0]
    if leaf not in found:
        what = f"run {run.run_id!r} has no annotations" + (f" in {leaf!r}" if leaf else "")
        raise RunError(
            what, f"take a run with the columns {listed([ITEM, ANNOTATOR, LABEL])}, or with a ConsolidateLabels step"
        )
    leaves = leaves_of(run)
    rows = [row for _, row in leaves[leaf].rows()]
    if not rows:
        return rows
    if ANNOTATOR not in rows[0]:
        return list(_before_consolidation(run, _about_items(rows)))
    about: dict[str, Row] = {}
    for other in found:
        if ANNOTATOR not in (columns := _columns(leaves[other])) and set(columns) - rows[0].keys() - _MADE:
            about |= _about_items(row for _, row in leaves[other].rows())
    return [{**about.get(str(row[ITEM]), {}), **row} for row in rows]


def _about_items(consolidated: Iterable[Row]) -> dict[str, Row]:
    """What is to be seen of each item: the columns that its row had before `ConsolidateLabels`."""
    return {str(row[ITEM]): {name: value for name, value in row.items() if name not in _MADE} for row in consolidated}


def _before_consolidation(run: RunFolder, about: dict[str, Row]) -> Iterator[Row]:
    """The annotations that `ConsolidateLabels` left beside its rows, with the other columns of their items."""
    for named in artifacts_of(run.distiset).values():
        if ARTIFACT not in named:
            continue
        for path in named[ARTIFACT].files().values():
            for line in path.read_bytes().splitlines():
                row = decode(line)
                if row[ITEM] in about:
                    yield {**about[row[ITEM]], **row}
        return
    raise RunError(
        f"run {run.run_id!r} kept no annotations beside its consolidated rows", "run it again: ConsolidateLabels keeps them now"
    )


_MADE = frozenset(
    {"label", "probability", "distribution", "uncertainty", "n_annotations", "conflicts", "explanation", "annotation_ids"}
) | {"strategy", "distilabel_metadata"}
