"""What an annotator's own confidence tells: how often answers are right that were given with as much.

Annotators use the scale in their own ways, so each one's confidences are sorted into thirds of their own; how much a third
tells is learned for all annotators of a kind together. Confidence that tells nothing then counts for nothing.
"""

from __future__ import annotations

import numpy as np

from steps.labels.votes import KINDS, Floats, Ints, Votes

UNSAID, DEGREES = 0, 4
"""No confidence was given; and degrees in all: that one, and thirds."""
ENOUGH = 30
"""Confidences of one annotator by which thirds of their own are told; others go by those of their kind."""


def edges_of(confidences: Floats) -> Floats:
    """(2,): where the thirds of these confidences begin."""
    return np.asarray(np.quantile(confidences, [1 / 3, 2 / 3]))


def bins_of(votes: Votes, edges: Floats) -> Ints:
    """(m,): the degree of each vote's confidence. `edges` (A, 2): where each voter's thirds begin."""
    said = ~np.isnan(votes.confidence)
    mine = edges[votes.voter]
    thirds = 1 + (votes.confidence > mine[:, 0]).astype(np.int64) + (votes.confidence > mine[:, 1])
    return np.where(said, thirds, UNSAID)


def edges_by_kind(votes: Votes) -> Floats:
    """(kinds, 2): where the thirds of all confidences of each kind begin; infinite where it gave none."""
    said = ~np.isnan(votes.confidence)
    by_kind = votes.kind[votes.voter]
    edges = np.full((len(KINDS), 2), np.inf)
    for kind in range(len(KINDS)):
        if len(confidences := votes.confidence[said & (by_kind == kind)]):
            edges[kind] = edges_of(confidences)
    return edges


def find_edges(votes: Votes) -> Floats | None:
    """(A, 2): where each voter's thirds begin; None where too few votes have a confidence for it to be of use."""
    said = ~np.isnan(votes.confidence)
    if said.sum() < ENOUGH:
        return None
    edges = edges_by_kind(votes)[votes.kind]
    order = np.argsort(votes.voter[said], kind="stable")
    confidences, voters = votes.confidence[said][order], votes.voter[said][order]
    present, starts, counts = np.unique(voters, return_index=True, return_counts=True)
    for voter, start, count in zip(present, starts, counts, strict=True):
        if count >= ENOUGH:
            edges[voter] = edges_of(confidences[start : start + count])
    return edges


def sureness(votes: Votes, bins: Ints, posterior: Floats) -> Floats:
    """(kinds, degrees, 2): probability of a degree where the answer is wrong, and where it is right."""
    right = posterior[votes.item, votes.label]
    place = votes.kind[votes.voter] * DEGREES + bins
    size = len(KINDS) * DEGREES
    counts = np.stack([np.bincount(place, weights=weight, minlength=size) for weight in (1 - right, right)], axis=1)
    counts = counts.reshape(len(KINDS), DEGREES, 2)
    counts = counts + 2 * (counts.sum(axis=2, keepdims=True) + 1) / (counts.sum(axis=(1, 2), keepdims=True) + DEGREES)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def sureness_of(votes: Votes, bins: Ints, table: Floats) -> Floats:
    """(m,): what each vote's confidence says for its answer, in logarithms; 0 where none was given."""
    told = np.log(table[:, :, 1] / table[:, :, 0])
    told[:, UNSAID] = 0
    return np.asarray(told[votes.kind[votes.voter], bins])


def sum_by_label(votes: Votes, values: Floats) -> Floats:
    """(n, K): values of votes (m,), added up by the item and the answer."""
    items, classes = len(votes.items), len(votes.classes)
    flat = np.bincount(votes.item * classes + votes.label, weights=values, minlength=items * classes)
    return np.asarray(flat.reshape(items, classes))
