"""Annotations as they came, in columns, and what else is known of their items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any

from steps.base import Row
from steps.errors import RowError
from steps.labels.annotations import ANNOTATOR, GOLD, ITEM, LABEL, AnnotatorKind, stable_id, subject_of
from steps.labels.questions import Question
from steps.labels.reading import Keep, about_item, check_kind, in_row, is_plain, know_gold, read_annotation, read_gold
from steps.labels.votes import Voter


@dataclass(slots=True)
class AnnotationTable:
    """Annotations of one question, in the order in which they came.

    An annotator answers about an item once in a round: of several answers with one `annotation_id` the last counts. `about`
    holds, for each item, the columns of its first row that are no annotation's; `gold` the answers that are known to be right.
    """

    question: Question
    items: list[str] = field(default_factory=list)
    annotators: list[str] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    confidences: list[float | None] = field(default_factory=list)
    explanations: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    voters: dict[str, Voter] = field(default_factory=dict)
    about: dict[str, Row] = field(default_factory=dict)
    gold: dict[str, Any] = field(default_factory=dict)
    replaced: int = 0
    """Answers that took the place of one with their `annotation_id`."""
    _places: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)

    def add_row(self, row: Mapping[str, Any], keep: Keep | None = None) -> None:
        """Take an annotation in, and the gold answer of its item if the row has one.

        Raises:
            MissingKey, MissingValue, RowError: The row holds no annotation, or an answer that the question does not take; or
                its item has another gold answer already.
        """
        if keep is None and is_plain(row):  # several times as fast
            self._know(row[ITEM], row)
            self._put(row[ITEM], row[ANNOTATOR], self.question.read(row[LABEL]))
            return
        annotation = read_annotation(row, self.question, keep)
        self._know(annotation.item, row)
        if keep is None or keep(annotation):
            self._put(**annotation.model_dump(exclude={LABEL, "timestamp", "source"}), label=annotation.label)

    def counting(self) -> AnnotationTable:
        """The annotations that count: of an annotator's answers about an item in several rounds, that of the last round.

        Somebody who is asked again is no further person, and may have changed their mind. Rankings of other things of an item
        are other answers.
        """
        last: dict[tuple[str, str], int] = {}
        for place, key in enumerate(zip(self._subjects, self.annotators, strict=True)):
            if key not in last or self.rounds[place] >= self.rounds[last[key]]:
                last[key] = place
        return self if len(last) == len(self) else self.some(sorted(last.values()))

    def count_repeated(self) -> int:
        """Answers beyond an annotator's first about an item, or about the same things of it, within a round."""
        return self.replaced + len(self) - len(set(zip(self._subjects, self.annotators, self.rounds, strict=True)))

    @property
    def _subjects(self) -> Iterable[str]:
        """What each answer is about (`subject_of`)."""
        if self.question.type != "ranking":  # of a million answers
            return self.items
        return map(subject_of, self.items, self.labels, repeat(self.question))

    def gold_alone(self) -> list[str]:
        """Items whose answer is known, and about which nobody said anything that counts."""
        return sorted(self.gold.keys() - set(self.items))

    def some(self, places: Sequence[int]) -> AnnotationTable:
        """Some of the annotations, with all that is known of items and annotators."""
        columns = ("items", "annotators", "labels", "confidences", "explanations", "ids", "rounds")
        chosen: dict[str, Any] = {name: [getattr(self, name)[place] for place in places] for name in columns}
        return replace(self, **chosen, _places={name: at for at, name in enumerate(chosen["ids"])})

    def _put(
        self,
        item: str,
        annotator: str,
        label: Any,
        kind: AnnotatorKind = "human",
        family: str = "",
        confidence: float | None = None,
        explanation: str = "",
        round: int = 1,
        annotation_id: str = "",
    ) -> None:
        self._know_voter(annotator, kind, family)
        annotation_id = annotation_id or stable_id(subject_of(item, label, self.question), annotator, round)
        place = self._places.setdefault(annotation_id, len(self.items))
        if place < len(self.items):
            if (self.items[place], self.annotators[place]) != (item, annotator):
                first = f"what {self.annotators[place]!r} said of item {self.items[place]!r}"
                what = f"annotation_id {annotation_id!r} is that of {first}, and of what {annotator!r} said of {item!r}"
                raise RowError(what, "give each annotation an id of its own, or leave the column out")
            self.labels[place], self.confidences[place], self.explanations[place] = label, confidence, explanation
            self.replaced += 1
            return
        self.items.append(item)
        self.annotators.append(annotator)
        self.labels.append(label)
        self.confidences.append(confidence)
        self.explanations.append(explanation)
        self.ids.append(annotation_id)
        self.rounds.append(round)

    def _know_voter(self, name: str, kind: AnnotatorKind, family: str) -> None:
        known = self.voters.get(name)
        if known is None or (family and not known.family):
            self.voters[name] = Voter(name, kind, family)
        elif kind != known.kind:
            check_kind(name, kind, known.kind)

    def _know(self, item: str, row: Mapping[str, Any]) -> None:
        if item not in self.about:
            self.about[item] = about_item(row)
        if (answer := read_gold(row, self.question)) is not None:
            know_gold(self.gold, item, answer)

    def rows(self) -> Iterator[Row]:
        """The annotations as they count, one row each, with the gold answers of their items; what is as usual is left out."""
        for place, item in enumerate(self.items):
            voter = self.voters[self.annotators[place]]
            row: Row = {ITEM: item, ANNOTATOR: voter.name, LABEL: self.labels[place], "annotation_id": self.ids[place]}
            more = {
                "kind": voter.kind if voter.kind != "human" else None,
                "family": voter.family or None,
                "confidence": self.confidences[place],
                "explanation": self.explanations[place] or None,
                "round": self.rounds[place],
                GOLD: self.gold.get(item),
            }
            yield row | {name: value for name, value in more.items() if value is not None}

    def save(self, path: Path) -> None:
        """Write the annotations as JSON Lines."""
        with path.open("w", encoding="ascii") as file:
            for row in self.rows():
                file.write(json.dumps(row, ensure_ascii=True) + "\n")


def table_of(rows: Iterable[Mapping[str, Any]], question: Question | None = None, keep: Keep | None = None) -> AnnotationTable:
    """The annotations of rows. A row that holds none ends it, with its number.

    Raises:
        RowError: It says which row, and what is wrong with it.
    """
    table = AnnotationTable(question or Question())
    for number, row in enumerate(rows, 1):
        try:
            table.add_row(row, keep)
        except RowError as error:
            raise in_row(number, error) from None
    return table
