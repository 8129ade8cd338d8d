"""How good labels are, where the right ones are known, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from steps.labels.votes import Floats, Ints

BINS = 15
REVIEWED = 0.1
"""Share of the items, the least certain ones, that a review looks at."""
RESAMPLES = 500
LEAST = 1e-6
"""No probability counts as less: a label that was called impossible would otherwise outweigh all others."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Labels of items (g,) beside the right ones: `sure`, how probable the label was said to be; `right`, whether it is; and
    `truth`, how probable the right one was said to be."""

    sure: Floats
    right: NDArray[np.bool_]
    truth: Floats

    def __len__(self) -> int:
        return len(self.sure)

    def some(self, places: Ints) -> Scored:
        """Those at these places, as often as these are named."""
        return Scored(self.sure[places], self.right[places], self.truth[places])


def scored(posterior: Floats, truth: Ints) -> Scored:
    """Probabilities (g, K) beside the true classes (g,)."""
    return Scored(posterior.max(axis=1), posterior.argmax(axis=1) == truth, posterior[np.arange(len(truth)), truth])


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
    """How good the labels of items are whose right labels are known.

    `accuracy`: share of labels that are right. `log_loss`: mean of -ln of what the right label was given. `calibration_error`:
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


def accuracy(labels: Scored) -> float:
    """Share of the labels that are right."""
    return float(labels.right.mean())


def log_loss(labels: Scored) -> float:
    """Mean of -ln of what the right label was given."""
    return float(-np.log(np.maximum(labels.truth, LEAST)).mean())


def calibration_error(labels: Scored) -> float:
    """Expected calibration error of the labels, in 15 bins of equal width.

    After Obtaining Well Calibrated Probabilities Using Bayesian Binning (Naeini et al., 2015),
    https://doi.org/10.1609/aaai.v29i1.9602
    """
    place = np.minimum((labels.sure * BINS).astype(np.int64), BINS - 1)
    off = np.bincount(place, weights=labels.right - labels.sure, minlength=BINS)
    return float(np.abs(off).sum() / len(labels))


def review_gain(labels: Scored) -> float:
    """Share of the wrong labels that are among the tenth of the items that is least certain; equal ones count alike."""
    wrong = ~labels.right
    if not wrong.any():
        return 1.0
    sure = labels.sure.round(9)
    room = max(1, round(REVIEWED * len(sure)))
    edge = np.sort(sure)[room - 1]
    before, at_edge = sure < edge, sure == edge
    share = (room - before.sum()) / at_edge.sum()
    return float((wrong[before].sum() + share * wrong[at_edge].sum()) / wrong.sum())


MEASURES: dict[str, Callable[[Scored], float]] = {
    "accuracy": accuracy,
    "log_loss": log_loss,
    "calibration_error": calibration_error,
    "review_gain": review_gain,
}


def quality(labels: Scored, seed: int = 0) -> Quality:
    """All measures with intervals: of accuracy by the number of items, of the others by resampling the items 500 times.

    Raises:
        ValueError: There is no item.
    """
    if not len(labels):
        raise ValueError("no item has a known answer")
    drawn = [labels.some(places) for places in _draws(len(labels), seed)]
    found = {}
    for name, measure in MEASURES.items():
        low, high = (float(edge) for edge in np.quantile([measure(some) for some in drawn], [0.025, 0.975]))
        found[name] = Interval(measure(labels), low, high)
    found["accuracy"] = proportion(float(labels.right.sum()), len(labels))
    return Quality(len(labels), **found)


def proportion(hits: float, count: float) -> Interval:
    """A share of hits, and where it lies given so many cases (Jeffreys' interval, which holds for few of them too).

    After Interval Estimation for a Binomial Proportion (Brown et al., 2001), https://doi.org/10.1214/ss/1009213286
    """
    from scipy.stats import beta

    share = hits / count
    low, high = (float(beta.ppf(edge, hits + 0.5, count - hits + 0.5)) for edge in (0.025, 0.975))
    return Interval(share, min(low, share), max(high, share))


def difference(measure: str, one: Scored, other: Scored, seed: int = 0) -> Interval:
    """How much more `one` has than `other` of a measure, on the same items in the same order."""
    by = MEASURES[measure]
    values = [by(one.some(places)) - by(other.some(places)) for places in _draws(len(one), seed)]
    low, high = (float(edge) for edge in np.quantile(values, [0.025, 0.975]))
    return Interval(by(one) - by(other), low, high)


def _draws(items: int, seed: int) -> Ints:
    return np.random.default_rng(seed).integers(0, items, (RESAMPLES, items))
