"""How sure to be: what items would have been given had they not been learned from.

A fit has seen each item's own answers, so it is surer than it should be. Here every confusion is taken without the item in
question, which needs no second fit: what the item added is known and taken away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from steps.labels.strategies.expectation import KIND_IS_WORTH, Tables, soft_max, spread, usual_spread
from steps.labels.strategies.sureness import sureness_of
from steps.labels.votes import Floats, Ints, Votes

OVERLAPS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0)
MOST_TRIED = 40_000
"""Votes that the overlap is chosen by; more would choose alike."""


def evidence_without_own(votes: Votes, tables: Tables, posterior: Floats, chosen: Ints, bins: Ints | None) -> Floats:
    """(c, K): what chosen votes say for each class, by tables that have not seen their items."""
    voter, label = votes.voter[chosen], votes.label[chosen]
    own = posterior[votes.item[chosen]] * tables.weight[chosen][:, None]
    drawn = tables.prior_counts[voter, :, label]
    if tables.own:
        drawn = _drawn_without_own(tables, drawn, voter, label, own[np.arange(len(chosen)), label])
    said = tables.counts[voter, :, label] + drawn - own
    all_said = (tables.counts + tables.prior_counts).sum(axis=2)[voter] - own
    values = np.log(np.maximum(said, 1e-9)) - np.log(np.maximum(all_said, 1e-9))
    if tables.sureness is not None and bins is not None:
        values[np.arange(len(chosen)), label] += sureness_of(votes, bins, tables.sureness)[chosen]
    return np.asarray(values)


def _drawn_without_own(tables: Tables, drawn: Floats, voter: Ints, label: Ints, right: Floats) -> Floats:
    """What confusions (c, K) are drawn towards, by skills that have not seen the vote. `right`: what it added to the skill."""
    answers = tables.counts.sum(axis=(1, 2))[voter] + KIND_IS_WORTH
    skill = tables.skill[voter]
    before = np.clip((skill * answers - right) / np.maximum(answers - 1, KIND_IS_WORTH / 2), 0.01, 0.99)
    is_own = np.arange(drawn.shape[1]) == label[:, None]
    more_wrong = (1 - before) / np.maximum(1 - skill, 0.01)
    more_right = np.maximum(drawn + tables.own * (before - skill)[:, None], 1e-9)
    return np.asarray(np.where(is_own, more_right, drawn * more_wrong[:, None]))


def choose_overlap(votes: Votes, tables: Tables, posterior: Floats, bins: Ints | None, rng: np.random.Generator) -> float:
    """The overlap with which the other answers about an item tell best what an annotator said; 0 unless it clearly does."""
    items = np.flatnonzero(votes.per_item > 1)
    if not len(items):
        return 0.0
    rng.shuffle(items)
    most = np.searchsorted(np.cumsum(votes.per_item[items]), MOST_TRIED) + 1
    taken = np.zeros(len(votes.items), dtype=bool)
    taken[items[:most]] = True
    chosen = np.flatnonzero(taken[votes.item])
    said = evidence_without_own(votes, tables, posterior, chosen, bins)
    weighted = said * tables.weight[chosen][:, None]
    whole = np.zeros((len(votes.items), len(votes.classes)))
    np.add.at(whole, votes.item[chosen], weighted)
    others = whole[votes.item[chosen]] - weighted
    scores: list[Floats] = []
    for overlap in OVERLAPS:
        prior = tables.log_prior / usual_spread(votes, overlap)
        before = soft_max(prior + others / spread(votes, overlap, fewer=1)[votes.item[chosen]][:, None])
        scores.append(np.log((before * np.exp(said)).sum(axis=1)))
    best = int(np.argmax([score.mean() for score in scores]))
    gain = scores[best] - scores[0]
    is_clear = gain.mean() > 2 * gain.std() / np.sqrt(len(gain))
    return OVERLAPS[best] if is_clear else 0.0


@dataclass(frozen=True)
class Calibration:
    """What is done to logarithms before they become probabilities: `values / temperature + lean`."""

    temperature: float = 1.0
    lean: tuple[float, ...] = ()

    def applied(self, values: Floats) -> Floats:
        lean = np.array(self.lean) if self.lean else 0.0
        return soft_max(values / self.temperature + lean)


def calibrate(values: Floats, gold: Ints, *, sd_temperature: float = 0.3, sd_lean: float = 0.3) -> Calibration:
    """The temperature and lean with which held-out values (g, K) tell gold classes best.

    Both are drawn towards doing nothing, the more so the less gold there is.
    """
    classes = values.shape[1]
    if not len(gold):
        return Calibration()
    centred = values - values.mean(axis=1, keepdims=True)

    def loss(params: Floats) -> float:
        lean = params[1:] - params[1:].mean()
        probabilities = soft_max(centred * np.exp(-params[0]) + lean)
        log_loss = -np.log(np.maximum(probabilities[np.arange(len(gold)), gold], 1e-12)).sum()
        penalty = (params[0] / sd_temperature) ** 2 + (params[1:] ** 2).sum() / sd_lean**2
        return float(log_loss + penalty / 2)

    best = minimize(loss, np.zeros(classes + 1), method="L-BFGS-B").x
    lean = best[1:] - best[1:].mean()
    return Calibration(float(np.exp(best[0])), tuple(float(value) for value in lean))


def gold_without_own(votes: Votes, tables: Tables, posterior: Floats, bins: Ints | None) -> tuple[Floats, Ints]:
    """(g, K) and (g,): what gold items would be taken for, by tables that have not seen them, and what they are."""
    known = votes.has_gold
    is_gold = np.zeros(len(votes.items), dtype=bool)
    is_gold[known] = True
    chosen = np.flatnonzero(is_gold[votes.item])
    said = evidence_without_own(votes, tables, posterior, chosen, bins) * tables.weight[chosen][:, None]
    whole = np.zeros((len(votes.items), len(votes.classes)))
    np.add.at(whole, votes.item[chosen], said)
    values = tables.log_prior + whole / spread(votes, tables.overlap)[:, None]
    return values[known], votes.gold[known]
