"""Orders of things out of many rankings, and how far each annotator is to be trusted.

A ranking says of each pair which is better. Somebody who sees differences well says it reliably: the odds that an annotator
puts one thing before another are exp(acuity * (score - score)). An acuity of 1 is usual, 0 is guessing, and one below 0 is the
wrong way round.

After Rank Analysis of Incomplete Block Designs (Bradley and Terry, 1952), https://doi.org/10.2307/2334029, with the annotators
of Pairwise Ranking Aggregation in a Crowdsourced Setting (Chen et al., 2013), https://doi.org/10.1145/2433396.2433420
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from steps.labels.votes import Floats, Ints

SPREAD = 2.0
"""How far scores lie apart before anything is known (standard deviation)."""
USUAL, VARIES = 1.0, 0.7
"""Acuity before anything is known: mean and standard deviation."""
GOLD = 4.0
"""Acuity of what is known to be right."""
DRAWS = 400
FEW, WIDER = 4, 1.2
"""Things of an item up to which scores are drawn one by one; and how much wider those are drawn that hang together."""


@dataclass(frozen=True)
class Duels:
    """Who put what before what: `voter`, `better`, `worse` (d,), the latter two places of things; voter -1 is gold.

    `weight` (d,): what each counts. Pairs of one ranking follow from each other, so those of k things count as k - 1 together.
    `owner` (t,): the item that each thing belongs to; `place` (t,): its place among the things of the item.
    """

    voter: Ints
    better: Ints
    worse: Ints
    weight: Floats
    owner: Ints
    place: Ints
    voters: int


@dataclass(frozen=True)
class Standings:
    """What is known of things (t,): `score`, `doubt` its standard deviation; and of voters: `acuity` (A,)."""

    score: Floats
    doubt: Floats
    acuity: Floats


def compete(duels: Duels, acuity: Floats | None = None) -> Standings:
    """Scores, and acuities with them unless these are known already."""
    things, voters = len(duels.owner), duels.voters
    is_gold = duels.voter < 0
    place = np.where(is_gold, 0, duels.voter)
    is_known = acuity is not None
    start = np.concatenate([np.zeros(things), acuity if acuity is not None else np.full(voters, USUAL)])

    def loss(params: Floats) -> tuple[float, Floats]:
        score, skill = params[:things], params[things:]
        gap = score[duels.better] - score[duels.worse]
        sight = np.where(is_gold, GOLD, skill[place])
        lead = sight * gap
        surprise = np.logaddexp(0, -lead)
        push = duels.weight / (1 + np.exp(np.clip(lead, -500, 500)))
        off = (skill - USUAL) / VARIES
        value = float((duels.weight * surprise).sum() + (score**2).sum() / (2 * SPREAD**2) + (off**2).sum() / 2)
        by_score = score / SPREAD**2
        by_score -= np.bincount(duels.better, push * sight, things) - np.bincount(duels.worse, push * sight, things)
        by_skill = off / VARIES - np.bincount(place[~is_gold], (push * gap)[~is_gold], voters)
        return value, np.concatenate([by_score, np.zeros(voters) if is_known else by_skill])

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    score, skill = best[:things], best[things:]
    return Standings(score, _doubt(duels, score, skill), skill)


def _doubt(duels: Duels, score: Floats, acuity: Floats) -> Floats:
    """(t,): standard deviations of scores, by the curvature at the best ones."""
    sight = np.where(duels.voter < 0, GOLD, acuity[np.where(duels.voter < 0, 0, duels.voter)])
    chance = 1 / (1 + np.exp(np.clip(-sight * (score[duels.better] - score[duels.worse]), -500, 500)))
    bend = duels.weight * sight**2 * chance * (1 - chance)
    known = np.bincount(duels.better, bend, len(score)) + np.bincount(duels.worse, bend, len(score)) + 1 / SPREAD**2
    return np.asarray(1 / np.sqrt(known))


def chances_of_best(standings: Standings, duels: Duels) -> Floats:
    """(t,): how probable it is that each thing is the best of its item.

    Scores are drawn around the best ones, wider than the curvature there says, and each draw counts as much as duels and prior
    make it more probable than drawing did: few duels leave room for scores that lie far out. All items are drawn alike, so
    what is said of one does not depend on its neighbours.
    """
    things = np.bincount(duels.owner)
    noise = np.random.default_rng(0).standard_normal((DRAWS, int(things.max(initial=1))))
    sight = np.where(duels.voter < 0, GOLD, standings.acuity[np.where(duels.voter < 0, 0, duels.voter)])
    chances = _of_few(standings, duels, sight, noise)
    of_duel = duels.owner[duels.better]
    order = np.argsort(of_duel, kind="stable")
    begins = np.searchsorted(of_duel[order], np.arange(len(things) + 1))
    for item in np.flatnonzero(things > FEW):
        mine = np.flatnonzero(duels.owner == item)
        chances[mine] = _of_many(standings, duels, sight, order[begins[item] : begins[item + 1]], mine, noise)
    return chances


def _of_few(standings: Standings, duels: Duels, sight: Floats, noise: Floats) -> Floats:
    """(t,): the chances in items of few things, whose scores are drawn one by one; all items at a time."""
    owner, of_duel = duels.owner, duels.owner[duels.better]
    items = int(owner.max()) + 1 if len(owner) else 0
    wins, total, highest = np.zeros(len(owner)), np.zeros(items), np.full(items, -np.inf)
    for drawn in noise:
        step = drawn[duels.place]
        score = standings.score + 2 * standings.doubt * step
        surprise = duels.weight * np.logaddexp(0, -sight * (score[duels.better] - score[duels.worse]))
        fits = (step**2 - (score / SPREAD) ** 2) / 2
        worth = np.bincount(owner, fits, items) - np.bincount(of_duel, surprise, items)
        before, highest = highest, np.maximum(highest, worth)
        faded, weight = np.exp(before - highest), np.exp(worth - highest)  # what was added counts by the highest until then
        best = np.full(items, -np.inf)
        np.maximum.at(best, owner, score)
        wins = wins * faded[owner] + (score == best[owner]) * weight[owner]
        total = total * faded + weight
    return np.asarray(wins / total[owner])


def _of_many(standings: Standings, duels: Duels, sight: Floats, chosen: Ints, mine: Ints, noise: Floats) -> Floats:
    """(k,): the chances of the things of one item, whose scores are drawn together: they hang on each other."""
    at = {thing: place for place, thing in enumerate(mine.tolist())}
    better = np.array([at[thing] for thing in duels.better[chosen].tolist()], dtype=np.int64)
    worse = np.array([at[thing] for thing in duels.worse[chosen].tolist()], dtype=np.int64)
    see, weight, score = sight[chosen], duels.weight[chosen], standings.score[mine]
    chance = 1 / (1 + np.exp(np.clip(-see * (score[better] - score[worse]), -500, 500)))
    bend = weight * see**2 * chance * (1 - chance)
    known = np.eye(len(mine)) / SPREAD**2
    for one, other, sign in ((better, better, 1), (worse, worse, 1), (better, worse, -1), (worse, better, -1)):
        np.add.at(known, (one, other), sign * bend)
    step = noise[:, duels.place[mine]]
    drawn = score + WIDER * np.linalg.solve(np.linalg.cholesky(known).T, step.T).T
    surprise = (weight * np.logaddexp(0, -see * (drawn[:, better] - drawn[:, worse]))).sum(axis=1)
    worth = (step**2).sum(axis=1) / 2 - (drawn**2).sum(axis=1) / (2 * SPREAD**2) - surprise
    counts = np.exp(worth - worth.max())
    return np.asarray(np.bincount(drawn.argmax(axis=1), counts, len(mine)) / counts.sum())


def shares_of_wins(duels: Duels) -> Floats:
    """(t,): the share of its duels that each thing won; gold counts as much as all others together."""
    weight = np.where(duels.voter < 0, 1e6, duels.weight)
    won = np.bincount(duels.better, weight, len(duels.owner))
    lost = np.bincount(duels.worse, weight, len(duels.owner))
    return np.asarray(won / np.maximum(won + lost, 1e-12))


def first_places(better_first: Sequence[Sequence[int]], things: int) -> Floats:
    """(t,): how many rankings each thing leads."""
    return np.bincount([ranking[0] for ranking in better_first], minlength=things).astype(float)
