"""Gold that is hidden: what items with a known answer are taken for by strategies that were learned without knowing it.

All figures on gold are of such labels: a strategy that was told an answer is right there, and need be right nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steps.labels.votes import Floats, Ints, Votes, lots_of

if TYPE_CHECKING:
    from steps.labels.strategies.strategy import Strategy

ENOUGH_GOLD = 20
"""Gold items from which on they decide: a strategy is chosen by them, probabilities are held against them, labels measured."""
FOLDS = 5


def in_turn(items: Sequence[str]) -> Iterator[Ints]:
    """The places of one fifth of the items after the other. Names decide which: the order of rows changes nothing."""
    fold = lots_of(items, 0).argsort().argsort() % FOLDS
    return (np.flatnonzero(fold == turn) for turn in range(min(FOLDS, len(items))))


def hidden_gold(votes: Votes, learn: Callable[[Votes], Strategy]) -> Floats:
    """(g, K): what gold items are taken for, each by a strategy that was learned without its answer."""
    known = votes.has_gold
    found = np.zeros((len(known), len(votes.classes)))
    for places in in_turn([votes.items[at] for at in known]):
        hidden = known[places]
        without = votes.without_gold(hidden)
        found[places] = learn(without).apply(without).posterior[hidden]
    return found
