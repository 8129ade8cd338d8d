"""Which habits annotators have: those by which answers that were hidden are told best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steps.labels.strategies.calibration import MOST_TRIED, OVERLAPS
from steps.labels.strategies.expectation import Ballots, Habits, clamped, learn, logits, soft_max, spread, usual_spread
from steps.labels.strategies.families import family_weights
from steps.labels.votes import Floats, Ints, Votes

HIDDEN = 0.15
TURNS = 2


@dataclass(frozen=True)
class Tryout:
    """How well hidden answers were told, as a mean logarithm, and the overlap with which they were."""

    habits: Habits
    score: float
    overlap: float


def choose_habits(votes: Votes, candidates: tuple[Habits, ...], families: dict[str, float], bins: Ints | None) -> Tryout:
    """The best of the candidates; the last where no item has two answers."""
    tried, bins = some_items(votes, bins)
    if not (tried.per_item > 1).any():
        return Tryout(candidates[-1], 0.0, 0.0)
    return max((_try_out(tried, habits, families, bins) for habits in candidates), key=lambda tryout: tryout.score)


def _try_out(votes: Votes, habits: Habits, families: dict[str, float], bins: Ints | None) -> Tryout:
    has_others, scores = votes.per_item[votes.item] > 1, []
    for turn in range(TURNS):
        lots = np.where(has_others, votes.lots(turn), 1)
        scores.append(_told(votes, lots <= max(HIDDEN, lots.min()), habits, families, bins))
    means = np.concatenate(scores, axis=1).mean(axis=1)
    best = int(means.argmax())
    return Tryout(habits, float(means[best]), OVERLAPS[best])


def _told(votes: Votes, is_hidden: NDArray[np.bool_], habits: Habits, families: dict[str, float], bins: Ints | None) -> Floats:
    """(overlaps, h): logarithms of how probable hidden answers were, by a fit that did not see them."""
    seen, hidden = votes.only(~is_hidden), votes.only(is_hidden)
    weight = family_weights(seen, families)
    seen_bins = None if bins is None else bins[~is_hidden]
    tables, _ = learn(seen, habits, weight=weight, bins=seen_bins)
    said_of_item = logits(seen, Ballots(seen, weight), tables, seen_bins) - tables.log_prior
    said = tables.confusion[hidden.voter, :, hidden.label]
    told = []
    for overlap in OVERLAPS:
        prior = tables.log_prior / usual_spread(seen, overlap)
        posterior = clamped(soft_max(prior + said_of_item / spread(seen, overlap)[:, None]), seen)
        told.append(np.log(np.maximum((posterior[hidden.item] * said).sum(axis=1), 1e-12)))
    return np.stack(told)


def some_items(votes: Votes, bins: Ints | None) -> tuple[Votes, Ints | None]:
    """All votes on as many items as are enough to choose by."""
    if len(votes) <= MOST_TRIED:
        return votes, bins
    is_taken = votes.item_lots(0) < MOST_TRIED / len(votes)
    return votes.on_items(is_taken), None if bins is None else bins[is_taken[votes.item]]
