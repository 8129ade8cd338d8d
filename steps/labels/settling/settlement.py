"""What came of the annotations of an item, as rows have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steps.base import Row
from steps.labels.questions import QuestionType
from steps.wording import listed

LITTLE = 0.005
"""Weights below this are not told: they would read 0.00."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One annotation's part in a label: `pull` in logarithms of odds, or in shares where a strategy counts shares."""

    annotation_id: str
    annotator: str
    label: Any
    pull: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of the annotations of one item."""

    question: QuestionType
    item: str
    label: Any
    probability: float
    distribution: dict[str, float] | list[Row]
    """How probable each label is; of spans and rankings a list, since items have their own."""
    pulls: list[Pull]
    is_gold: bool = False

    @property
    def uncertainty(self) -> float:
        """How probable it is that the label is wrong."""
        return round(1 - self.probability, 6)

    @property
    def conflicts(self) -> list[Row]:
        """Who said what, the most frequent answer first; empty where all said the same."""
        said: dict[str, tuple[Any, list[str]]] = {}
        for pull in self.pulls:
            said.setdefault(str(pull.label), (pull.label, []))[1].append(pull.annotator)
        if len(said) < 2:
            return []
        ordered = sorted(said.values(), key=lambda one: -len(one[1]))
        return [{"label": label, "annotators": annotators} for label, annotators in ordered]

    @property
    def explanation(self) -> str:
        """Each annotation's part in the label, in words: what speaks for it and against it, the weightiest first."""
        if self.is_gold:
            return f"{self._said(self.label)} is known to be right (gold)."
        ordered = sorted(self.pulls, key=lambda pull: -abs(pull.pull))
        sides = {
            "For it": [pull for pull in ordered if pull.pull >= LITTLE],
            "Against it": [pull for pull in ordered if pull.pull <= -LITTLE],
            "Of no weight": [pull for pull in ordered if abs(pull.pull) < LITTLE],
        }
        told = [f"{side}: {', '.join(map(self._part, pulls))}." for side, pulls in sides.items() if pulls]
        return " ".join([f"{self._said(self.label)}, {percent(self.probability)} sure.", *told])

    def _part(self, pull: Pull) -> str:
        weight = f" ({pull.pull:+.2f})" if abs(pull.pull) >= LITTLE else ""
        same = pull.label == self.label
        return f"{pull.annotator}{weight}" if same else f"{pull.annotator}, who says {self._said(pull.label)}{weight}"

    def _said(self, label: Any) -> str:
        return said(label, self.question)

    def columns(self, made_by: Row) -> Row:
        """The columns that a consolidated row has. `made_by`: the `stamp` of the strategy."""
        return {
            "item": self.item,
            "label": self.label,
            "probability": self.probability,
            "distribution": self.distribution,
            "uncertainty": self.uncertainty,
            "n_annotations": len(self.pulls),
            "conflicts": self.conflicts,
            "explanation": self.explanation,
            "annotation_ids": [pull.annotation_id for pull in self.pulls],
            "strategy": made_by,
        }


def percent(share: float) -> str:
    """A probability in a sentence; one that is not 1 is never called 100%."""
    return "over 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def said(label: Any, question: QuestionType = "label") -> str:
    """An answer in a sentence: "good", "tone, format", "b > a", "error 0-6", or "nothing"."""
    if question == "spans":
        return listed(f"{span['label']} {span['start']}-{span['end']}" for span in label) or "nothing"
    if question == "multi_label":
        return listed(label) or "nothing"
    return " > ".join(label) if question == "ranking" else f"{label:g}" if question == "rating" else str(label)
