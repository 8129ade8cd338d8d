"""Labels of items out of their annotations, as rows have them: what each item is, how sure that is, and who said what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from steps.base import Row
from steps.errors import RunError
from steps.labels.questions import Question, label_text
from steps.labels.strategies.choosing import choose
from steps.labels.strategies.fitting import fit
from steps.labels.strategies.strategy import Strategy, StrategyName
from steps.labels.strategies.verdicts import Verdicts
from steps.labels.table import AnnotationTable
from steps.labels.votes import Votes, votes_of
from steps.wording import listed

SURE = 0.005
"""Pulls below this are not told: they change no probability that is shown."""


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

    item: str
    label: Any
    probability: float
    distribution: dict[str, float]
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
        """Each annotation's part in the label, in words, the weightiest first."""
        if self.is_gold:
            return f"{said(self.label)} is known to be right (gold)."
        parts = [
            f"{pull.annotator} says {said(pull.label)} ({pull.pull:+.2f})"
            for pull in sorted(self.pulls, key=lambda pull: -abs(pull.pull))
        ]
        return f"{said(self.label)}, {self.probability:.0%} sure: {listed(parts)}."

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


def said(label: Any) -> str:
    """An answer in a sentence."""
    return listed(map(str, label)) if isinstance(label, list) else str(label)


def votes_in(table: AnnotationTable, classes: Sequence[str] = ()) -> Votes:
    """The votes of a table whose question takes one label or rating. `classes`: those of a strategy; else of the question.

    Raises:
        RunError: An answer is none of `classes`.
    """
    known = classes or [label_text(_plain(table.question, label)) for label in table.question.labels]
    try:
        return votes_of(
            table.items,
            table.annotators,
            list(map(label_text, table.labels)),
            classes=known,
            confidences=[np.nan if one is None else one for one in table.confidences],
            voters=table.voters,
            gold={item: label_text(label) for item, label in table.gold.items()},
        )
    except ValueError as error:
        raise RunError(str(error), "learn the strategy anew, or leave these annotations out") from None


def _plain(question: Question, label: str) -> Any:
    return float(label) if question.type == "rating" else label


def learn(table: AnnotationTable, name: StrategyName | Literal["auto"] = "auto") -> Strategy:
    """A strategy for the question of a table, learned from all of it. "auto" chooses, and says why.

    Raises:
        RunError: There are no annotations, or the question is of a type that has no label to settle.
    """
    if not len(table):
        raise RunError("there are no annotations to learn from", "load some, or leave fewer of them out")
    votes, rounds = votes_in(table), sorted(set(table.rounds))
    if name == "auto":
        return choose(votes, table.question.type, rounds)
    return fit(name, votes, table.question.type, rounds)


def settle(table: AnnotationTable, strategy: Strategy) -> Iterator[Settlement]:
    """What a strategy makes of each item, in the order in which items first came."""
    verdicts = strategy.apply(votes_in(table, strategy.classes))
    return settlements(table, verdicts)


def settlements(table: AnnotationTable, verdicts: Verdicts) -> Iterator[Settlement]:
    """Verdicts in words, item by item."""
    votes = verdicts.votes
    posterior = verdicts.posterior.round(6)
    answers = [_answer(table.question, name) for name in votes.classes]
    for at, item in enumerate(votes.items):
        winner = int(verdicts.winner[at])
        pulls = [
            Pull(table.ids[place], table.annotators[place], table.labels[place], round(float(verdicts.pull[place]), 4))
            for place in verdicts.votes_on(at)
        ]
        shares = dict(zip(votes.classes, map(float, posterior[at]), strict=True))
        is_gold = bool(votes.gold[at] >= 0)
        yield Settlement(item, answers[winner], float(posterior[at, winner]), shares, pulls, is_gold)


def _answer(question: Question, name: str) -> Any:
    return float(name) if question.type == "rating" else name
