"""What comes of votes: a label for each item, with an uncertainty, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steps.labels.strategies.sureness import sum_by_label
from steps.labels.votes import Floats, Ints, Votes


@dataclass(frozen=True)
class Verdicts:
    """Labels of items. `posterior` (n, K) sums to 1 for each item.

    `pull` (m,): how far each vote pulls towards its item's label, below 0 away from it. `said` (m, K): what each vote adds to
    the logarithms of its item's classes, or to their shares; `by_shares` tells which.
    """

    votes: Votes
    posterior: Floats
    pull: Floats
    said: Floats
    by_shares: bool = False

    @cached_property
    def winner(self) -> Ints:
        """(n,): the class of each item; of several that are as probable, the first."""
        return np.asarray(self.posterior.argmax(axis=1))

    @cached_property
    def probability(self) -> Floats:
        """(n,): how probable that class is."""
        return np.asarray(self.posterior[np.arange(len(self.winner)), self.winner])

    @property
    def uncertainty(self) -> Floats:
        """(n,): how probable it is that the label is wrong."""
        return 1 - self.probability

    @cached_property
    def right(self) -> Floats:
        """(m,): how probable it is that each vote is right.

        Where shares are counted, these say nothing of it: a vote then counts as right if it is what most others said, and as
        partly right where these are of several minds.
        """
        votes = self.votes
        if not self.by_shares:
            return np.asarray(self.posterior[votes.item, votes.label])
        others = sum_by_label(votes, self.said.sum(axis=1))[votes.item] - self.said
        first = others >= others.max(axis=1, keepdims=True) - 1e-9
        told = np.where(votes.gold[votes.item, None] >= 0, self.posterior[votes.item], first / first.sum(axis=1, keepdims=True))
        return np.asarray(told[np.arange(len(votes)), votes.label])

    @cached_property
    def order(self) -> Ints:
        """(m,): the votes, item by item; within an item in the order in which they were cast."""
        return np.argsort(self.votes.item, kind="stable")

    @cached_property
    def _starts(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.votes.per_item)])

    def votes_on(self, item: int) -> Ints:
        """The places of the votes on an item."""
        return self.order[self._starts[item] : self._starts[item + 1]]
