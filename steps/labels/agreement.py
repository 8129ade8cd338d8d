"""How far annotators agree beyond chance."""

from __future__ import annotations

from typing import Literal

import numpy as np

from steps.labels.votes import Floats, Votes

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(votes: Votes, level: Level = "nominal") -> float:
    """Krippendorff's alpha: 1 where all agree, 0 where they agree as by chance, below it where they contradict each other.

    Items with one answer tell nothing and are left out. NaN where none has two, or all answers are the same class. `ordinal`
    and `interval` take classes in their order; `interval` reads them as numbers.

    After Computing Krippendorff's Alpha-Reliability (Krippendorff, 2011), https://repository.upenn.edu/handle/20.500.14332/2089

    Raises:
        ValueError: `interval` with classes that are no numbers.
    """
    counts = votes.counts[votes.per_item > 1]
    if not len(counts):
        return float("nan")
    size = counts.sum(axis=1, keepdims=True)
    observed = (counts / (size - 1)).T @ counts - np.diag((counts / (size - 1)).sum(axis=0))
    frequency = observed.sum(axis=1)
    total = float(frequency.sum())
    off = _distances(votes, level, frequency)
    expected = float((np.outer(frequency, frequency) * off).sum()) / (total - 1)
    return 1 - float((observed * off).sum()) / expected if expected > 0 else float("nan")


def _distances(votes: Votes, level: Level, frequency: Floats) -> Floats:
    """(K, K): how far classes lie apart, squared."""
    classes = len(votes.classes)
    if level == "nominal":
        return 1 - np.eye(classes)
    if level == "interval":
        values = np.array([float(name) for name in votes.classes])
        return np.asarray((values[:, None] - values[None, :]) ** 2)
    below = np.concatenate([[0.0], np.cumsum(frequency)])
    middle = below[:-1] + frequency / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)
