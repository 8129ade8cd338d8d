"""Annotations out of files and runs, as rows with the columns `item`, `annotator` and `label`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import xxhash

from flows.distiset.artifacts import artifacts_of
from flows.distiset.parts import Part, leaves_of
from flows.labelling.log import decode
from flows.runs import RunFolder
from steps.base import Row
from steps.errors import DistilflowError, RunError, SpecError
from steps.labels.annotations import ANNOTATOR, GOLD, ITEM, LABEL
from steps.labels.column_names import NAMES, nearly, usual_column
from steps.labels.questions import Question
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
    if usual_column(ANNOTATOR, seen) is None:
        return _items_alone(rows, seen)
    names = _found_names(NAMES, seen)
    ours_seen = {names.get(column, column) for column in seen}
    if lacking := [column for column in (ITEM, LABEL) if column not in ours_seen]:
        wanted = f"name columns {listed([ITEM, ANNOTATOR, LABEL])}; or {listed(NAMES[lacking[0]][1:])}"
        raise SpecError(f"no column {lacking[0]!r} was found; there are {listed(seen)}", wanted)
    return _renamed(rows, names)


def _items_alone(rows: list[Row], seen: list[str]) -> list[Row]:
    """Items that wait for their first answer. What may be a text of theirs stays one: a question, an answer.

    Raises:
        SpecError: Somebody seems to have answered, but nothing says who.
    """
    if LABEL in seen:
        what = f"there are labels, but no column says who gave them; there are {listed(seen)}"
        raise SpecError(what, f"name that column {ANNOTATOR!r}; or, if the labels are known to be right, theirs 'gold'")
    if (meant := nearly(ANNOTATOR, seen)) is not None:
        raise SpecError(f"column {meant!r} seems to say who answered, and is not called so", f"name it {ANNOTATOR!r}")
    ids = {ITEM: [name for name in NAMES[ITEM] if name.endswith("id")], GOLD: NAMES[GOLD]}
    renamed = _renamed(rows, _found_names(ids, seen))
    return [row if ITEM in row else {ITEM: _content_id(row), **row} for row in renamed]


def _found_names(wanted: Mapping[str, Sequence[str]], seen: list[str]) -> dict[str, str]:
    """Our names of columns that are called otherwise."""
    found = {ours: usual_column(ours, seen, names) for ours, names in wanted.items() if ours not in seen}
    return {column: ours for ours, column in found.items() if column is not None}


def _renamed(rows: list[Row], names: dict[str, str]) -> list[Row]:
    return [{names.get(column, column): value for column, value in row.items()} for row in rows] if names else rows


def _content_id(row: Row) -> str:
    return xxhash.xxh3_64_hexdigest(orjson.dumps(row, option=orjson.OPT_SORT_KEYS, default=str))


def _object(line: str, where: str) -> Row:
    try:
        found = decode(line)
    except ValueError as error:
        raise SpecError(f"{where} is no JSON: {error}", "write one object a line") from None
    if not isinstance(found, dict):
        raise SpecError(f"{where} holds no object", 'write one object a line, such as {"item": "1", "annotator": "ann", ...}')
    return found


def _json(text: str, name: str) -> list[Row]:
    try:
        found = decode(text)
    except ValueError as error:
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


def question_of_run(run: RunFolder) -> Question | None:
    """What the annotators of a run were asked, as far as its pipeline says: by a panel, or where labels are consolidated.

    Of several such steps the last says the type; what it leaves out (a title, a guideline, labels), those before it say.
    """
    try:
        given = [step.params.get("question") for step in run.spec().steps]
    except (DistilflowError, OSError):  # a run of an earlier release, or a torn one: its rows tell what they look like
        return None
    asked: list[dict[str, Any]] = [one for one in given if isinstance(one, dict)]
    found: dict[str, Any] = {}
    for one in reversed(asked):
        with suppress(ValueError):  # parameters as they were written down: a run that began with them read them
            Question.model_validate(one)
            if one.get("type", "label") == found.get("type", one.get("type", "label")):
                found = {"type": "label", **one, **found}
    return Question.model_validate(found) if found else None


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
