"""Annotators that err together count as fewer than they are: LLMs of one maker, templates by one hand.

n answers of a family about an item count as n / (1 + r * (n - 1)), where r is the correlation of the family's errors. Gold
tells it; without enough of it a family is taken to err together in half of the cases, as LLMs do
(Correlated Errors in Large Language Models, https://arxiv.org/abs/2506.07962).
"""

from __future__ import annotations

import numpy as np

from steps.labels.votes import Floats, Voter, Votes

ASSUMED = 0.5
WORTH = 50
"""Pairs of answers on gold that the assumption is worth."""


def family_of(voter: Voter) -> str:
    """The family of an annotator; LLMs of unknown family are one, everybody else is alone."""
    return voter.family or ("llm" if voter.kind == "llm" else "")


def families_of(votes: Votes) -> list[str]:
    """The families of more than one annotator."""
    names = [family_of(voter) for voter in votes.voters]
    return sorted(name for name in set(names) if name and names.count(name) > 1)


def correlations(votes: Votes, told: dict[str, float] | None = None) -> dict[str, float]:
    """How far the errors of each family go together, from 0 to 1, as gold tells. `told`: what is assumed before."""
    names = np.array([family_of(voter) for voter in votes.voters], dtype=object)
    on_gold = votes.gold[votes.item] >= 0
    wrong = (votes.label != votes.gold[votes.item]).astype(float)
    asked = np.bincount(votes.voter[on_gold], minlength=len(votes.voters))
    errors = np.bincount(votes.voter[on_gold], weights=wrong[on_gold], minlength=len(votes.voters))
    off = wrong - (errors / np.maximum(asked, 1))[votes.voter]
    found = {}
    for family in families_of(votes):
        chosen = on_gold & (names == family)[votes.voter]
        sums = np.bincount(votes.item[chosen], weights=off[chosen], minlength=len(votes.items))
        squares = np.bincount(votes.item[chosen], weights=off[chosen] ** 2, minlength=len(votes.items))
        size = np.bincount(votes.item[chosen], minlength=len(votes.items))
        pairs = float((size * (size - 1)).sum())
        variance = float(squares.sum()) / max(float(size.sum()), 1)
        together = float((sums**2 - squares).sum())
        seen = together / variance if variance > 0 else 0.0
        found[family] = float(np.clip((seen + WORTH * (told or {}).get(family, ASSUMED)) / (pairs + WORTH), 0, 1))
    return found


def family_weights(votes: Votes, correlation: dict[str, float]) -> Floats:
    """(m,): how much each vote counts, beside those of its family on the same item."""
    weight = np.ones(len(votes))
    if not correlation:
        return weight
    names = np.array([family_of(voter) for voter in votes.voters], dtype=object)
    for family, together in correlation.items():
        chosen = (names == family)[votes.voter]
        size = np.bincount(votes.item[chosen], minlength=len(votes.items))[votes.item[chosen]]
        weight[chosen] = 1 / (1 + together * (size - 1))
    return weight
