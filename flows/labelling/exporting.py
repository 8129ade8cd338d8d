"""Rounds and segments of a project as rows: annotations for learning alone, or labels with how sure they are."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from flows.labelling.disk import disk
from flows.labelling.project import LabelProject
from flows.labelling.scoring import settlement_of
from flows.parquet import write_rows
from flows.parquet.values import json_text
from steps.base import Row
from steps.errors import RunError
from steps.labels.annotations import COLUMNS

What = Literal["annotations", "labels"]
Form = Literal["jsonl", "csv", "parquet"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a project: what was said in some rounds, by some annotators, about items of some topic. Empty for all."""

    rounds: tuple[int, ...] = ()
    annotators: tuple[str, ...] = ()
    column: str = ""
    value: str = ""

    def has(self, annotation: dict[str, Any]) -> bool:
        return (not self.rounds or annotation["round"] in self.rounds) and (
            not self.annotators or annotation["annotator"] in self.annotators
        )

    def has_item(self, columns: Row) -> bool:
        return not self.column or str(columns.get(self.column, "")) == self.value


EVERYTHING = Segment()


def items_in(project: LabelProject, segment: Segment) -> list[str]:
    """The items of a segment: those about which something in it was said."""
    with project.reading():
        needs_answers = bool(segment.rounds or segment.annotators)
        return [
            item
            for item, columns in project.items.items()
            if segment.has_item(columns)
            and (not needs_answers or any(segment.has(one) for one in project.said.annotations_of(item)))
        ]


def annotation_rows(project: LabelProject, segment: Segment = EVERYTHING) -> Iterator[Row]:
    """The annotations of a segment, one row each, with the columns of their items and their gold answers."""
    with project.reading():
        for item in items_in(project, segment):
            gold = project.said.gold_of(item)
            about = {name: value for name, value in project.items[item].items() if name not in COLUMNS}
            for one in project.said.annotations_of(item):
                if segment.has(one):
                    yield {**about, **{name: one.get(name) for name in COLUMNS}, "gold": gold}


def label_rows(project: LabelProject, segment: Segment = EVERYTHING) -> Iterator[Row]:
    """The items of a segment with their labels, as `ConsolidateLabels` gives them, and what earlier versions said of them.

    Raises:
        RunError: Nothing was learned yet.
    """
    with project.reading():
        strategy = project.strategy
        if strategy is None:
            raise RunError(f"project {project.name!r} has no strategy yet", "learn one first")
        question, stamp = project.about.question, strategy.stamp
        for item in items_in(project, segment):
            settlement = settlement_of(item, project.said, question, strategy)
            if settlement is None:
                continue
            comments = [one["explanation"] for one in project.said.annotations_of(item) if one["explanation"]]
            history = [asdict(one) for one in project.versions.told_of(item)]
            yield {**project.items[item], **settlement.columns(dict(stamp)), "comments": comments, "history": history}


def rows_of(project: LabelProject, what: What, segment: Segment = EVERYTHING) -> Iterator[Row]:
    """Rows to export; all that can be wrong is told before the first."""
    rows = list(annotation_rows(project, segment) if what == "annotations" else label_rows(project, segment))
    if not rows:
        raise RunError("nothing was said in this part of the project", "export another round, or all of them")
    return iter(rows)


def export_bytes(project: LabelProject, what: What, form: Form, segment: Segment = EVERYTHING) -> bytes:
    """A file of them.

    Raises:
        RunError: There is nothing to export.
    """
    rows = rows_of(project, what, segment)
    return as_bytes(rows, form)


def as_bytes(rows: Iterable[Row], form: Form) -> bytes:
    """Rows as a file of this form."""
    if form == "jsonl":
        return as_lines(rows)
    if form == "csv":
        return as_table(rows)
    with disk("the export was not made"), tempfile.TemporaryDirectory(prefix="distilflow-labels-") as folder:
        listed = [_storable(row) for row in rows]
        write_rows(listed, Path(folder), warn=lambda text: None)
        return next(Path(folder).glob("*.parquet")).read_bytes()


def as_lines(rows: Iterable[Row]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json_text(row) + "\n" for row in rows).encode()


def as_table(rows: Iterable[Row]) -> bytes:
    """Rows as CSV; lists and mappings stand in their cells as JSON, as they are read from them."""
    listed = list(rows)
    columns = list(dict.fromkeys(column for row in listed for column in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in listed)
    return text.getvalue().encode("utf-8", "surrogatepass")


def _cell(value: Any) -> Any:
    return json_text(value) if isinstance(value, (list, dict, bool)) else value


def _storable(row: Row) -> Row:
    """The same with mappings whose keys are data as JSON text: Parquet would make a column of each."""
    history = row.get("history")
    if history is None:
        return row
    told = [{**one, "label": orjson.dumps(one["label"]).decode()} for one in history]
    return {**row, "distribution": orjson.dumps(row["distribution"]).decode(), "history": told}
