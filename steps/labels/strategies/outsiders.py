"""How far a family errs together, as told by those outside it: where gold is missing, they know nothing of its common errors.

Were the family's answers counted as too many, they would outvote the others where they are wrong together, and what the others
said there would be foretold badly; were they counted as too few, it would be foretold badly elsewhere.
"""

from __future__ import annotations

import numpy as np

from steps.labels.strategies.calibration import evidence_without_own
from steps.labels.strategies.expectation import Habits, learn, soft_max
from steps.labels.strategies.families import ASSUMED, families_of, family_of, family_weights
from steps.labels.votes import Floats, Ints, Votes

TOGETHER = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
ENOUGH = 200
"""Answers of outsiders, about items that two of a family answered about, from which on they are asked."""


def told_by_outsiders(votes: Votes, bins: Ints | None) -> dict[str, float]:
    """For each family, how far its errors go together; those are left out of which outsiders cannot tell."""
    families = families_of(votes)
    if not families:
        return {}
    name = np.array([family_of(voter) for voter in votes.voters], dtype=object)[votes.voter]
    found = dict.fromkeys(families, ASSUMED)
    tables, posterior = learn(votes, Habits(own=100), weight=family_weights(votes, found), bins=bins)
    said = evidence_without_own(votes, tables, posterior, np.arange(len(votes)), bins)
    told = {}
    for family in families:
        size = np.bincount(votes.item[name == family], minlength=len(votes.items))
        outside = np.flatnonzero((name != family) & (size[votes.item] > 1))
        if len(outside) < ENOUGH:
            continue
        scores: list[Floats] = []
        for together in TOGETHER:
            weighted = said * family_weights(votes, found | {family: together})[:, None]
            whole = np.zeros_like(posterior)
            np.add.at(whole, votes.item, weighted)
            before = soft_max(tables.log_prior + whole[votes.item[outside]] - weighted[outside])
            scores.append(np.log((before * np.exp(said[outside])).sum(axis=1)))
        best = int(np.argmax([score.mean() for score in scores]))
        gain = np.bincount(votes.item[outside], scores[best] - scores[TOGETHER.index(ASSUMED)], len(votes.items))
        is_clear = gain.sum() > 2 * np.sqrt((gain**2).sum())  # by items: answers about one go together
        told[family] = found[family] = TOGETHER[best] if is_clear else ASSUMED
    return told
