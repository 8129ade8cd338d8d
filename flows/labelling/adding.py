"""Rows as lines of a project: all are read before anything is written, so that a wrong one leaves the project as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.labelling.log import Line
from flows.labelling.said import ANNOTATION, GOLD, Said, short
from flows.labelling.texts import spelled_out
from steps.base import Row, is_missing
from steps.errors import RowError
from steps.labels.annotations import ANNOTATOR, LABEL
from steps.labels.questions import Question
from steps.labels.reading import about_item, check_kind, in_row, know_gold, read_annotation, read_gold, read_item


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding rows: how many were new, took the place of another answer, or were there already."""

    items: int = 0
    annotations: int = 0
    replaced: int = 0
    known: int = 0
    gold: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.items or self.annotations or self.replaced or self.gold)


@dataclass
class Reading:
    """Rows that were read, and not written yet."""

    annotations: dict[str, dict[str, Any]] = field(default_factory=dict)
    gold: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Row] = field(default_factory=dict)

    def lines(self, said: Said) -> tuple[list[Line], Added]:
        """The lines that a project lacks yet, and what they are."""
        lines: list[Line] = []
        new = replaced = known = gold = 0
        for name, annotation in self.annotations.items():
            kept = said.annotation(name)
            if kept is not None and kept["of"] == annotation:
                known += 1
                continue
            new += kept is None
            replaced += kept is not None
            lines.append({"line": ANNOTATION, "of": annotation})
        for item, label in self.gold.items():
            if said.gold_of(item) != label:
                gold += 1
                lines.append({"line": GOLD, "item": item, "label": label})
        return lines, Added(annotations=new, replaced=replaced, known=known, gold=gold)


def read_rows(rows: Iterable[Mapping[str, Any]], question: Question, said: Said) -> Reading:
    """What rows hold: annotations, gold answers, and the columns of items; a row without an annotator is an item alone.

    Raises:
        RowError: It says which row, and what is wrong with it.
    """
    reading = Reading()
    kinds = {name: voter.kind for name, voter in said.voters.items()}
    for number, row in enumerate(rows, 1):
        try:
            _read(spelled_out(row), question, reading, kinds)
        except RowError as error:
            raise in_row(number, error) from None
    return reading


def _read(row: Mapping[str, Any], question: Question, reading: Reading, kinds: dict[str, Any]) -> None:
    if is_missing(row.get(ANNOTATOR)):
        item = read_item(row)
        if not is_missing(row.get(LABEL)):
            fix = f"name them in a column {ANNOTATOR!r}; or, if the label is known to be right, call it 'gold'"
            raise RowError(f"item {item!r} has a label, but nobody who gave it", fix)
    else:
        annotation = read_annotation(row, question)
        item = annotation.item
        check_kind(annotation.annotator, annotation.kind, kinds.setdefault(annotation.annotator, annotation.kind))
        reading.annotations[annotation.id_for(question)] = short(annotation.row(question))
    if (answer := read_gold(row, question)) is not None:
        know_gold(reading.gold, item, answer)
    about = about_item(row)
    if about or item not in reading.about:
        reading.about.setdefault(item, {}).update(about)
