"""Strategies side by side: how good each is on gold that it has not seen, and which labels change from one to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steps.labels.measures import Quality, Scored, quality
from steps.labels.settling import Settlement, learn, settle
from steps.labels.strategies.hidden_gold import in_turn
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import AnnotationTable


@dataclass(frozen=True, slots=True)
class Contender:
    """A strategy in a comparison. `settled`: what it makes of each item. `quality`: on hidden gold; None where there is none.

    One that is learned here is learned anew for each fifth of the gold, without it. One that was saved is taken as it is about
    items whose answer it was not told. About the others it is learned anew in its way: from the rounds that it knew, and the
    answers that it was told, other than a fifth after the other.
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
    if isinstance(strategy, Strategy):
        made, seen = strategy, _with_gold(table, set())
        settled = {one.item: one for one in settle(seen, made)}
        on_gold = {**settled, **_again_without(table, made)}
    else:
        made = learn(table, strategy)
        settled = {one.item: one for one in settle(table, made)}
        on_gold = _in_turn(table, table, strategy)
    unseen = _score(table, on_gold)
    return Contender(made, settled, unseen, quality(unseen) if unseen is not None else None)


def changes(before: Contender, after: Contender, gold: dict[str, Any] | None = None) -> Iterator[Change]:
    """The items whose labels differ, in the order in which they came."""
    known = gold or {}
    for item, one in before.settled.items():
        other = after.settled.get(item)
        if other is not None and other.label != one.label:
            yield Change(item, one.label, other.label, one.probability, other.probability, known.get(item))


def _with_gold(table: AnnotationTable, items: Collection[str]) -> AnnotationTable:
    return replace(table, gold={item: label for item, label in table.gold.items() if item in items})


def _again_without(table: AnnotationTable, strategy: Strategy) -> dict[str, Settlement]:
    """Labels of the gold items that a saved strategy was told, by ones that are learned as it was, but are not told."""
    fitted = strategy.fitted
    told = set(table.gold if fitted.gold_items is None else fitted.gold_items) if fitted.gold else set()
    known = _with_gold(table, told)
    if not known.gold:
        return {}
    if fitted.rounds and (places := [at for at, number in enumerate(table.rounds) if number in fitted.rounds]):
        known = known.some(places)
    if strategy.classes and not table.question.labels:  # also those that only other rounds have
        known = replace(known, question=table.question.model_copy(update={"labels": strategy.classes}))
    return _in_turn(table, known, strategy.name)


def _in_turn(table: AnnotationTable, known: AnnotationTable, name: StrategyChoice) -> dict[str, Settlement]:
    """Labels of gold items, each by a strategy that was learned, and by "auto" chosen, without it from what is `known`."""
    places_of: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(table.items):
        places_of[item].append(place)
    items = [item for item in known.gold if item in places_of]
    settled: dict[str, Settlement] = {}
    for turn in in_turn(items):
        hidden = [items[at] for at in turn]
        strategy = learn(_with_gold(known, known.gold.keys() - set(hidden)), name)
        about = table.some(sorted(place for item in hidden for place in places_of[item]))
        settled |= {one.item: one for one in settle(_with_gold(about, set()), strategy)}
    return settled


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
