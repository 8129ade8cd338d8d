"""Real crowds with known truth: every strategy, without gold and with some, beside crowd-kit's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.labels.crowds import Crowd, Score, markdown, posterior_of, scored, short
from benchmarks.labels.libraries import aggregated
from steps.labels.measures import calibration_error
from steps.labels.measures import scored as against
from steps.labels.strategies.fitting import FITS
from steps.labels.votes import UNKNOWN, Floats

NAMES = (*FITS, "auto")
FLOOR_DRAWS = 100


@dataclass(frozen=True)
class Line:
    """How one strategy did on a crowd. `gold`: share of the truth that it was told; `unseen`: without the items told."""

    crowd: str
    name: str
    gold: float
    score: Score
    unseen: Score
    floor: float
    """The calibration error that its probabilities would have if they were exactly right."""


def floor_of(posterior: Floats, seed: int = 0) -> float:
    """The calibration error of these probabilities (n, K) where the truth is drawn by them: noise, which none can go below."""
    rng = np.random.default_rng(seed)
    below = posterior.cumsum(axis=1)
    drawn = [(rng.random((len(posterior), 1)) > below[:, :-1]).sum(axis=1) for _ in range(FLOOR_DRAWS)]
    return float(np.mean([calibration_error(against(posterior, truth)) for truth in drawn]))


def ours(crowd: Crowd, gold: float, draws: int) -> Iterator[Line]:
    """Our strategies; with gold, the mean over as many draws of which items are told."""
    for name in NAMES:
        told = [crowd.with_gold(gold, seed) for seed in range(draws if gold else 1)]
        results = [(one, posterior_of(name, one)) for one in told]
        score = Score.mean([scored(one, posterior, with_gold=True) for one, posterior in results])
        unseen = Score.mean([scored(one, posterior, with_gold=False) for one, posterior in results])
        floor = float(np.mean([floor_of(posterior[crowd.truth != UNKNOWN]) for _, posterior in results[:3]]))
        yield Line(crowd.name, name, gold, score, unseen, floor)


def theirs(crowd: Crowd, python: Path) -> Iterator[Line]:
    """crowd-kit's, which learn without gold."""
    votes = crowd.votes
    items, workers = [votes.items[at] for at in votes.item], [votes.voters[at].name for at in votes.voter]
    for name, told in aggregated(python, items, workers, [votes.classes[at] for at in votes.label]).items():
        posterior = np.array([[told[item].get(label, 0.0) for label in votes.classes] for item in votes.items])
        score = scored(crowd, posterior, with_gold=True)
        yield Line(crowd.name, f"crowd-kit {name}", 0.0, score, score, floor_of(posterior[crowd.truth != UNKNOWN]))


def table(lines: list[Line]) -> str:
    """All lines, a crowd after the other."""
    head = ["crowd, gold", "strategy", "accuracy", "of items not told", "log-loss", "ECE", "ECE if exact", "errors found"]
    rows = [
        [
            f"{line.crowd}, {line.gold:.0%}",
            line.name,
            *(short(value) for value in (line.score.accuracy, line.unseen.accuracy, line.score.log_loss)),
            *(short(value) for value in (line.score.calibration_error, line.floor, line.score.review_gain)),
        ]
        for line in lines
    ]
    return markdown(head, rows)
