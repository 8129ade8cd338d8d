"""Answers whose truth is known: read from files, or drawn; and how good labels are that are made of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from steps.labels.measures import MEASURES
from steps.labels.measures import scored as against
from steps.labels.questions import QuestionType
from steps.labels.strategies.choosing import choose
from steps.labels.strategies.fitting import FITS, fit
from steps.labels.votes import UNKNOWN, Floats, Ints, Votes, votes_of

SIMPLE = ("weighted", "one_coin", "dawid_skene")
"""Strategies that are neither the majority nor the learned one."""


@dataclass(frozen=True)
class Crowd:
    """Votes and the true class of each item (n,); UNKNOWN where nobody knows it."""

    name: str
    votes: Votes
    truth: Ints
    question: QuestionType = "label"

    def with_gold(self, share: float, seed: int) -> Crowd:
        """The same, with the truth of this share of the items told; of at least one, if any."""
        known = np.flatnonzero(self.truth != UNKNOWN)
        told = np.random.default_rng([7, seed]).permutation(known)[: max(round(share * len(known)), int(share > 0))]
        gold = np.full(len(self.truth), UNKNOWN, dtype=np.int64)
        gold[told] = self.truth[told]
        return replace(self, votes=replace(self.votes, gold=gold))


@dataclass(frozen=True)
class Score:
    """How good labels are: the four measures of `steps.labels.measures`."""

    accuracy: float
    log_loss: float
    calibration_error: float
    review_gain: float

    @classmethod
    def of(cls, posterior: Floats, truth: Ints) -> Score:
        labels = against(posterior, truth)
        return cls(**{name: measure(labels) for name, measure in MEASURES.items()})

    @classmethod
    def mean(cls, scores: Sequence[Score]) -> Score:
        return cls(**{name: float(np.mean([getattr(score, name) for score in scores])) for name in MEASURES})


def read_crowd(folder: Path) -> Crowd:
    """A crowd in `answer.csv` (question,worker,answer) and `truth.csv` (question,truth)."""
    answers = _rows(folder / "answer.csv")
    items, workers, labels = ([row[column] for row in answers] for column in ("question", "worker", "answer"))
    known = {row["question"]: row["truth"] for row in _rows(folder / "truth.csv")}
    votes = votes_of(items, workers, labels, gold={item: truth for item, truth in known.items() if item in set(items)})
    return Crowd(folder.name, votes.without_gold(), votes.gold)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def posterior_of(name: str, crowd: Crowd) -> Floats:
    """(n, K): what a strategy makes of a crowd; "auto" is chosen."""
    if name == "auto":
        return choose(crowd.votes, crowd.question).apply(crowd.votes).posterior
    return fit(next(one for one in FITS if one == name), crowd.votes, crowd.question).apply(crowd.votes).posterior


def scored(crowd: Crowd, posterior: Floats, *, with_gold: bool) -> Score:
    """How good labels are of the items whose truth is known; with those that were told, or without them."""
    counted = crowd.truth != UNKNOWN
    if not with_gold:
        counted = counted & (crowd.votes.gold == UNKNOWN)
    return Score.of(posterior[counted], crowd.truth[counted])


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def short(value: float) -> str:
    """A share in three digits, as tables have it."""
    return f"{value:.3f}".removeprefix("0")
