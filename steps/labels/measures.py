"""How good labels are, where the right ones are known, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from steps.labels.votes import Floats, Ints

BINS = 15
REVIEWED = 0.1
"""Share of the items, the least certain ones, that a review looks at."""
RESAMPLES = 500
LEAST = 1e-6
"""No probability counts as less: a label that was called impossible would otherwise outweigh all others."""

Measure = Callable[[Floats, Ints], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value, and where it lies in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Quality:
    """How good probabilities (g, K) are of items whose classes are known.

    `accuracy`: share of labels that are right. `log_loss`: mean of -ln of what the right class was given. `calibration_error`:
    how far probabilities are from how often they hold (expected calibration error, 15 bins). `review_gain`: share of the wrong
    labels that are among the tenth least certain; 0.1 is chance.
    """

    items: int
    accuracy: Interval
    log_loss: Interval
    calibration_error: Interval
    review_gain: Interval

    def row(self) -> dict[str, float]:
        """The values and their intervals as columns."""
        columns: dict[str, float] = {"items": self.items}
        for name, value in asdict(self).items():
            if isinstance(value, dict):
                columns |= {name: value["value"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
        return columns


def accuracy(posterior: Floats, truth: Ints) -> float:
    """Share of the items (g, K) whose most probable class is the true one (g,)."""
    return float((posterior.argmax(axis=1) == truth).mean())


def log_loss(posterior: Floats, truth: Ints) -> float:
    """Mean of -ln of what the true class was given."""
    return float(-np.log(np.maximum(posterior[np.arange(len(truth)), truth], LEAST)).mean())


def calibration_error(posterior: Floats, truth: Ints) -> float:
    """Expected calibration error of the most probable class, in 15 bins of equal width.

    After Obtaining Well Calibrated Probabilities Using Bayesian Binning (Naeini et al., 2015),
    https://doi.org/10.1609/aaai.v29i1.9602
    """
    sure = posterior.max(axis=1)
    right = posterior.argmax(axis=1) == truth
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    off = np.bincount(place, weights=right - sure, minlength=BINS)
    return float(np.abs(off).sum() / len(truth))


def review_gain(posterior: Floats, truth: Ints) -> float:
    """Share of the wrong labels that are among the tenth of the items that is least certain; equal ones count alike."""
    wrong = posterior.argmax(axis=1) != truth
    if not wrong.any():
        return 1.0
    sure = posterior.max(axis=1).round(9)
    room = max(1, round(REVIEWED * len(truth)))
    edge = np.sort(sure)[room - 1]
    before, at_edge = sure < edge, sure == edge
    share = (room - before.sum()) / at_edge.sum()
    return float((wrong[before].sum() + share * wrong[at_edge].sum()) / wrong.sum())


MEASURES: dict[str, Measure] = {
    "accuracy": accuracy,
    "log_loss": log_loss,
    "calibration_error": calibration_error,
    "review_gain": review_gain,
}


def quality(posterior: Floats, truth: Ints, seed: int = 0) -> Quality:
    """All measures, with intervals by resampling the items 500 times.

    Raises:
        ValueError: There is no item.
    """
    if not len(truth):
        raise ValueError("no item has a known answer")
    drawn = _draws(len(truth), seed)
    found = {name: _interval(measure, posterior, truth, drawn) for name, measure in MEASURES.items()}
    return Quality(len(truth), **found)


def difference(measure: str, one: Floats, other: Floats, truth: Ints, seed: int = 0) -> Interval:
    """How much more `one` has than `other` of a measure, on the same items."""
    by = MEASURES[measure]
    values = [by(one[places], truth[places]) - by(other[places], truth[places]) for places in _draws(len(truth), seed)]
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(by(one, truth) - by(other, truth), float(low), float(high))


def _draws(items: int, seed: int) -> Ints:
    return np.random.default_rng(seed).integers(0, items, (RESAMPLES, items))


def _interval(measure: Measure, posterior: Floats, truth: Ints, drawn: Ints) -> Interval:
    low, high = np.quantile([measure(posterior[places], truth[places]) for places in drawn], [0.025, 0.975])
    return Interval(measure(posterior, truth), float(low), float(high))
