"""Small crowds for tests: written by hand, or drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from steps.base import Row
from steps.labels.votes import Floats, Ints, Voter, Votes, votes_of

Said = tuple[str, str, str]


def votes(*said: Said, gold: Mapping[str, str] | None = None, classes: tuple[str, ...] = ()) -> Votes:
    """Votes of (item, annotator, label)."""
    items, annotators, labels = (list(column) for column in zip(*said, strict=True))
    return votes_of(items, annotators, labels, gold=gold, classes=classes)


def rows(*said: Said, **more: object) -> list[Row]:
    return [{"item": item, "annotator": annotator, "label": label, **more} for item, annotator, label in said]


def drawn(
    skills: list[float],
    items: int = 200,
    classes: int = 3,
    seed: int = 0,
    *,
    share: float = 1.0,
    confidence: bool = False,
    kinds: Mapping[int, Voter] | None = None,
    together: Floats | None = None,
) -> tuple[Votes, Ints]:
    """Everybody answers about a `share` of the items, and is right as often as they are skilled; with the true classes.

    `together` (n,): where above 0, the error that all voters of `kinds` make alike.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)
    item, voter = np.nonzero(rng.random((items, len(skills))) < share)
    is_right = rng.random(len(item)) < np.array(skills)[voter]
    off = rng.integers(1, classes, len(item))
    if together is not None:
        is_kin = np.isin(voter, list(kinds or {}))
        is_right = np.where(is_kin, together[item] == 0, is_right)
        off = np.where(is_kin, np.maximum(together[item], 1), off).astype(np.int64)
    label = np.where(is_right, truth[item], (truth[item] + off) % classes)
    sure = np.clip(0.5 + 0.3 * is_right + 0.1 * rng.normal(size=len(item)), 0, 1) if confidence else np.full(len(item), np.nan)
    people = [(kinds or {}).get(at, Voter(f"v{at}")) for at in range(len(skills))]
    gold = np.full(items, -1, dtype=np.int64)
    names = [str(at) for at in range(classes)]
    return Votes([f"i{at}" for at in range(items)], people, names, item, voter, label, sure, gold), truth


def accuracy(posterior: Floats, truth: Ints) -> float:
    return float((posterior.argmax(axis=1) == truth).mean())
