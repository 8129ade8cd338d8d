"""What an answer about an item would bring: how many labels would be right that are wrong now, by the strategy's own reckoning.

Two things are counted. The item's own label: each answer that a reviewer may give is added in turn, the strategy is applied,
and what comes of it is weighed by how probable that answer is. And other items: with the item settled, the strategy knows its
annotators better, and items that they answered about too are scored again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steps.labels.table import AnnotationTable
from steps.labels.votes import Floats, Ints, Voter, Votes

if TYPE_CHECKING:
    from steps.labels.strategies.strategy import Strategy

COUNTED = ("label", "rating")
"""Types of questions that answers are tried for; of others the uncertainty alone counts."""
SETTLED = 0.8
"""How probable a label is from which on its item counts as settled."""
UNLIKELY = 0.01
"""Classes that are less probable than this are not tried."""
NOBODY = "\x00reviewer"


@dataclass(frozen=True, slots=True)
class Spread:
    """What an answer does to other items: `gain` in labels, and how many it settles, both as expected of all answers."""

    gain: float
    settles: float


def own_gain(table: AnnotationTable, strategy: Strategy, items: Sequence[str], reviewer: str = "") -> dict[str, float]:
    """How much more probable the labels of items get by one more answer, on average over the answers that may come.

    `table` holds all annotations of these items. The reviewer is one the strategy knows, or a person it knows nothing of.
    """
    from steps.labels.settling.one_of import votes_in

    if not items or not len(table):
        return {}
    votes = votes_in(table, strategy.classes)
    places = {item: at for at, item in enumerate(votes.items)}
    chosen = np.array([places[item] for item in items if item in places], dtype=np.int64)
    if not len(chosen):
        return {}
    before = strategy.apply(votes).posterior[chosen]
    voter = Voter(reviewer if reviewer in strategy.voices else NOBODY)
    expected = np.zeros(len(chosen))
    answers = before @ _confusion(strategy, voter)
    for label in range(len(votes.classes)):
        after = strategy.apply(_with_answer(votes, chosen, voter, label)).posterior[chosen]
        expected += answers[:, label] * after.max(axis=1)
    gain = np.maximum(expected - before.max(axis=1), 0)
    return {votes.items[place]: float(value) for place, value in zip(chosen, gain, strict=True)}


def _confusion(strategy: Strategy, voter: Voter) -> Floats:
    """(K, K): how a reviewer is expected to answer."""
    if strategy.counts_shares:
        return np.eye(len(strategy.classes))
    voice = strategy.voices.get(voter.name)
    return np.array(voice.confusion if voice and voice.confusion else strategy.strangers[voter.kind])


def _with_answer(votes: Votes, chosen: Ints, voter: Voter, label: int) -> Votes:
    """The votes, with one more on each chosen item. Their own gold is not known: it is what would be found out."""
    more = len(chosen)
    names = [one.name for one in votes.voters]
    voters = [*votes.voters] if voter.name in names else [*votes.voters, voter]
    at = names.index(voter.name) if voter.name in names else len(names)
    return Votes(
        votes.items,
        voters,
        votes.classes,
        np.concatenate([votes.item, chosen]),
        np.concatenate([votes.voter, np.full(more, at)]),
        np.concatenate([votes.label, np.full(more, label)]),
        np.concatenate([votes.confidence, np.full(more, np.nan)]),
        votes.gold,
    )


class Neighbours:
    """Scores again what annotators of one item said elsewhere, once that item is settled. Made once for many items."""

    def __init__(self, table: AnnotationTable, strategy: Strategy) -> None:
        from steps.labels.settling.one_of import votes_in
        from steps.labels.strategies.expectation import spread
        from steps.labels.strategies.families import family_weights

        self.votes = votes_in(table, strategy.classes)
        self.strategy = strategy
        self.verdicts = strategy.apply(self.votes)
        self.places = {item: at for at, item in enumerate(self.votes.items)}
        order = np.argsort(self.votes.voter, kind="stable")
        self._by_voter = np.split(order, np.cumsum(self.votes.per_voter)[:-1])
        spread_out = spread(self.votes, strategy.overlap)[self.votes.item]
        self._counts = family_weights(self.votes, strategy.families) / spread_out / strategy.temperature
        self._logarithms = np.log(np.maximum(self.verdicts.posterior, 1e-12))

    def spread(self, item: str) -> Spread:
        """What settling an item is expected to do to the others; nothing where a strategy learns nothing of annotators.

        Each class is tried: the item is taken for it, what is known of its annotators is counted anew, and the items that they
        answered about are scored by that.
        """
        at = self.places.get(item)
        if at is None or self.strategy.counts_shares or self.votes.gold[at] >= 0:
            return Spread(0.0, 0.0)
        posterior = self.verdicts.posterior[at]
        own = self.verdicts.votes_on(at)
        touched, moved = self._touched(at, own)
        if not len(touched):
            return Spread(0.0, 0.0)
        items, place = np.unique(self.votes.item[touched], return_inverse=True)
        open_ones = self.votes.gold[items] < 0
        mean = np.zeros((len(items), len(self.votes.classes)))
        best, settled = np.zeros(len(items)), 0.0
        for label, probability in enumerate(posterior):
            if probability < UNLIKELY:
                continue
            shift = np.zeros_like(mean)
            np.add.at(shift, place, moved(label))
            after = _soft_max(self._logarithms[items] + shift)
            mean += probability * after
            best += probability * after.max(axis=1)
            settled += float(probability * (after.max(axis=1) >= SETTLED)[open_ones].sum())
        # what an answer tells is how far labels then differ; that all get surer on average is no gain
        gain = float((best - mean.max(axis=1))[open_ones].sum())
        now = float((self.verdicts.posterior[items].max(axis=1) >= SETTLED)[open_ones].sum())
        tried = float(posterior[posterior >= UNLIKELY].sum())
        return Spread(max(gain, 0.0), max(settled / tried - now, 0.0))

    def _touched(self, at: int, own: Ints) -> tuple[Ints, Callable[[int], Floats]]:
        """The votes that an item's annotators gave elsewhere, and how far each is moved when the item is taken for a class."""
        votes, posterior = self.votes, self.verdicts.posterior
        places, deltas = [], []
        for vote in own:
            voter = int(votes.voter[vote])
            voice = self.strategy.voices.get(votes.voters[voter].name)
            elsewhere = self._by_voter[voter]
            elsewhere = elsewhere[votes.item[elsewhere] != at]
            if voice is None or not voice.confusion or not len(elsewhere):
                continue
            confusion = np.array(voice.confusion)
            mass = posterior[votes.item[self._by_voter[voter]]].sum(axis=0) + 1
            deltas.append((confusion, mass, int(votes.label[vote]), votes.label[elsewhere], self._counts[elsewhere]))
            places.append(elsewhere)

        def moved(label: int) -> Floats:
            parts = []
            for confusion, mass, said, labels, counts in deltas:
                is_class = np.zeros(len(mass))
                is_class[label] = 1
                change = is_class - posterior[at]
                answers = confusion * mass[:, None]
                answers[:, said] = np.maximum(answers[:, said] + change, 1e-6)
                after = answers / answers.sum(axis=1, keepdims=True)
                step = np.log(after) - np.log(np.maximum(confusion, 1e-9))
                parts.append(step[:, labels].T * counts[:, None])
            return np.concatenate(parts)

        return (np.concatenate(places) if places else np.zeros(0, dtype=np.int64)), moved


def _soft_max(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
