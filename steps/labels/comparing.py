"""Strategies side by side: how good each is on gold that it has not seen, and which labels change from one to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steps.labels.measures import Quality, Scored, quality
from steps.labels.settling import Settlement, learn, settle
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import AnnotationTable

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Contender:
    """A strategy in a comparison. `settled`: what it makes of each item. `quality`: on hidden gold; None where there is none.

    One that is learned here is learned anew for each fifth of the gold, without it. One that was saved is taken as it is:
    if it was learned from the same gold, it looks better than it is.
    """

    strategy: Strategy
    settled: dict[str, Settlement]
    scored: Scored | None
    quality: Quality | None


@dataclass(frozen=True, slots=True)
class Change:
    """An item whose label differs between two strategies."""

    item: str
    before: Any
    after: Any
    sure_before: float
    sure_after: float
    gold: Any = None


def contend(table: AnnotationTable, strategy: StrategyChoice | Strategy) -> Contender:
    """What one strategy makes of annotations: learned here if it is a name.

    Raises:
        RunError: There are no annotations, or it does not fit them.
    """
    made = strategy if isinstance(strategy, Strategy) else learn(table, strategy)
    seen = _without_gold(table, set(table.gold)) if isinstance(strategy, Strategy) else table
    settled = {one.item: one for one in settle(seen, made)}
    unseen = _score(table, settled) if isinstance(strategy, Strategy) else _crossed(table, strategy)
    return Contender(made, settled, unseen, quality(unseen) if unseen is not None else None)


def changes(before: Contender, after: Contender, gold: dict[str, Any] | None = None) -> Iterator[Change]:
    """The items whose labels differ, in the order in which they came."""
    known = gold or {}
    for item, one in before.settled.items():
        other = after.settled.get(item)
        if other is not None and other.label != one.label:
            yield Change(item, one.label, other.label, one.probability, other.probability, known.get(item))


def _without_gold(table: AnnotationTable, hidden: set[str]) -> AnnotationTable:
    return replace(table, gold={item: label for item, label in table.gold.items() if item not in hidden})


def _crossed(table: AnnotationTable, name: StrategyChoice) -> Scored | None:
    """Labels of gold items, each by a strategy that was learned, and by "auto" chosen, without it."""
    answered = set(table.items)
    known = [item for item in table.gold if item in answered]
    if not known:
        return None
    fold = np.random.default_rng(0).permutation(len(known)) % FOLDS
    settled: dict[str, Settlement] = {}
    for turn in range(min(FOLDS, len(known))):
        hidden = {item for item, place in zip(known, fold.tolist(), strict=True) if place == turn}
        without = _without_gold(table, hidden)
        settled |= {one.item: one for one in settle(without, learn(without, name)) if one.item in hidden}
    return _score(table, settled)


def _score(table: AnnotationTable, settled: dict[str, Settlement]) -> Scored | None:
    known = [(settled[item], label) for item, label in table.gold.items() if item in settled]
    if not known:
        return None
    right = np.array([one.label == label for one, label in known])
    sure = np.array([one.probability for one, _ in known])
    return Scored(sure, right, np.array([_given(one, label) for one, label in known]))


def _given(one: Settlement, label: Any) -> float:
    """How probable the right label was said to be; of those that are put together, as far as the whole of it goes."""
    if one.question in ("label", "rating") and isinstance(one.distribution, dict):
        return one.distribution.get(f"{label:g}" if one.question == "rating" else label, 0.0)
    return one.probability if one.label == label else 1 - one.probability
