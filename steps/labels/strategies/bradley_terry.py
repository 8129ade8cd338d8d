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


@dataclass(frozen=True)
class Duels:
    """Who put what before what: `voter`, `better`, `worse` (d,), the latter two places of things; voter -1 is gold.

    `weight` (d,): what each counts. Pairs of one ranking follow from each other, so those of k things count as k - 1 together.
    `owner` (t,): the item that each thing belongs to.
    """

    voter: Ints
    better: Ints
    worse: Ints
    weight: Floats
    owner: Ints
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

    Scores are drawn around the best ones, twice as far apart as the curvature there says, and each draw counts as much as
    duels and prior make it more probable than drawing did: few duels leave room for scores that lie far out.
    """
    owner, things = duels.owner, len(duels.owner)
    items = int(owner.max()) + 1 if things else 0
    wide = 2 * standings.doubt
    sight = np.where(duels.voter < 0, GOLD, standings.acuity[np.where(duels.voter < 0, 0, duels.voter)])
    of_duel = owner[duels.better]
    rng = np.random.default_rng(0)
    wins, total, highest = np.zeros(things), np.zeros(items), np.full(items, -np.inf)
    for _ in range(DRAWS):
        noise = rng.standard_normal(things)
        score = standings.score + wide * noise
        surprise = duels.weight * np.logaddexp(0, -sight * (score[duels.better] - score[duels.worse]))
        fits = (noise**2 - (score / SPREAD) ** 2) / 2
        worth = np.bincount(owner, fits, items) - np.bincount(of_duel, surprise, items)
        before, highest = highest, np.maximum(highest, worth)
        faded, weight = np.exp(before - highest), np.exp(worth - highest)  # what was added counts by the highest until then
        best = np.full(items, -np.inf)
        np.maximum.at(best, owner, score)
        wins = wins * faded[owner] + (score == best[owner]) * weight[owner]
        total = total * faded + weight
    return np.asarray(wins / total[owner])


def shares_of_wins(duels: Duels) -> Floats:
    """(t,): the share of its duels that each thing won; gold counts as much as all others together."""
    weight = np.where(duels.voter < 0, 1e6, duels.weight)
    won = np.bincount(duels.better, weight, len(duels.owner))
    lost = np.bincount(duels.worse, weight, len(duels.owner))
    return np.asarray(won / np.maximum(won + lost, 1e-12))


def first_places(better_first: Sequence[Sequence[int]], things: int) -> Floats:
    """(t,): how many rankings each thing leads."""
    return np.bincount([ranking[0] for ranking in better_first], minlength=things).astype(float)
