"""How each strategy is learned.

| name | how an item's label comes about |
|---|---|
| majority | the most votes |
| weighted | votes that count as often as their annotator agrees with the majority, or with gold |
| one_coin | each annotator is right with a probability of their own (a naive Bayes classifier, learned by EM) |
| dawid_skene | each annotator confuses classes in a way of their own |
| learned | that, with all that is known besides: gold, kinds, families, confidence, and how hard items are |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from steps.labels.questions import QuestionType
from steps.labels.strategies.calibration import Calibration, calibrate, choose_overlap, gold_without_own
from steps.labels.strategies.expectation import Ballots, Habits, Tables, clamped, learn, logits, shares, soft_max, usual_spread
from steps.labels.strategies.families import correlations, family_weights
from steps.labels.strategies.hidden_gold import ENOUGH_GOLD
from steps.labels.strategies.holding_out import choose_habits, some_items
from steps.labels.strategies.outsiders import told_by_outsiders
from steps.labels.strategies.strategy import Fitted, Strategy, Voice, tables_as_lists
from steps.labels.strategies.sureness import bins_of, edges_by_kind, find_edges
from steps.labels.strategy_names import StrategyName
from steps.labels.votes import KINDS, Floats, Votes

Fit = Callable[[Votes, QuestionType], Strategy]
LEAST_POOLED, MOST_POOLED = 0.3, 30.0
FEW = 8.0
"""Answers of an annotator to each class below which there are too few for confusions of their own."""
SKILL = 100.0
"""The same, where annotators differ in skill and in little else."""
LEANING = 10.0
"""Answers to each grade, given as the annotator leans and spreads, by which ratings are drawn together at least."""


def fit(name: StrategyName, votes: Votes, question: QuestionType = "label", rounds: list[int] | None = None) -> Strategy:
    """Learn a strategy from votes.

    Raises:
        ValueError: There are no votes.
    """
    if not len(votes):
        raise ValueError("there are no annotations to learn from")
    fitted = Fitted(items=len(votes.items), annotations=len(votes), gold=len(votes.has_gold), rounds=rounds or [])
    return FITS[name](votes, question).model_copy(update={"fitted": fitted})


def _majority(votes: Votes, question: QuestionType) -> Strategy:
    return Strategy(name="majority", question=question, classes=list(votes.classes), voices=_voices(votes))


def _weighted(votes: Votes, question: QuestionType) -> Strategy:
    believed = clamped(shares(votes), votes)
    others = np.where(votes.per_item > 1, votes.per_item - 1, 1)[votes.item]
    is_gold = votes.gold[votes.item] >= 0
    agreed = believed[votes.item, votes.label]
    without_own = np.maximum(agreed * votes.per_item[votes.item] - 1, 0) / others
    right = np.where(is_gold, agreed, without_own)
    mean = max(float(right.mean()), 1 / len(votes.classes))
    sums = np.bincount(votes.voter, weights=right, minlength=len(votes.voters))
    weights = (sums + 2 * mean) / (votes.per_voter + 2)
    return Strategy(name="weighted", question=question, classes=list(votes.classes), voices=_voices(votes, weight=weights))


def _one_coin(votes: Votes, question: QuestionType) -> Strategy:
    tables, _ = learn(votes, Habits(even=0.1, pooled=0.5, tied=True))
    return _of_tables("one_coin", votes, question, tables)


def _dawid_skene(votes: Votes, question: QuestionType) -> Strategy:
    # Nothing else keeps a class that nobody answers from becoming another name for one that all do, and taking half its items.
    tables, _ = learn(votes, Habits(even=0.01, pooled=0.0, by_answers=True))
    return _of_tables("dawid_skene", votes, question, tables)


def _learned(votes: Votes, question: QuestionType) -> Strategy:
    edges = find_edges(votes)
    bins = None if edges is None else bins_of(votes, edges)
    families = correlations(votes, told_by_outsiders(*some_items(votes, bins)))
    weight = family_weights(votes, families)
    tryout = choose_habits(votes, _candidates(votes, question), families, bins)
    tables, posterior = learn(votes, tryout.habits, weight=weight, bins=bins)
    if tryout.habits.own:
        tables = replace(tables, overlap=tryout.overlap, log_prior=tables.log_prior / usual_spread(votes, tryout.overlap))
        posterior = clamped(soft_max(logits(votes, Ballots(votes, weight), tables, bins)), votes)
    elif overlap := choose_overlap(votes, tables, posterior, bins, np.random.default_rng(0)):
        # Free confusions explain what answers have in common as if it were the class: they are learned again without it.
        tables, posterior = learn(votes, tryout.habits, weight=weight, bins=bins, overlap=overlap, begin=posterior)
    calibration = Calibration()
    if len(votes.has_gold) >= ENOUGH_GOLD:
        calibration = calibrate(*gold_without_own(votes, tables, posterior, bins))
    return _of_tables("learned", votes, question, tables, edges=edges, families=families, calibration=calibration)


def _candidates(votes: Votes, question: QuestionType) -> tuple[Habits, ...]:
    """What annotators may be like: each confuses classes in ways of their own; or they differ in skill, and in little else."""
    free = Habits(pooled=pooled_for(votes))
    if question == "rating":
        return tuple(Habits(pooled=3, own=own, graded=True) for own in (LEANING, SKILL))
    return free, Habits(own=SKILL)


def pooled_for(votes: Votes) -> float:
    """How far annotators are drawn together: hardly where each has given many answers, and nearly all the way where few."""
    answers = len(votes) / (len(votes.voters) * len(votes.classes))
    return LEAST_POOLED + MOST_POOLED / (1 + (answers / FEW) ** 8)


FITS: dict[StrategyName, Fit] = {
    "majority": _majority,
    "weighted": _weighted,
    "one_coin": _one_coin,
    "dawid_skene": _dawid_skene,
    "learned": _learned,
}


def _of_tables(
    name: StrategyName,
    votes: Votes,
    question: QuestionType,
    tables: Tables,
    *,
    edges: Floats | None = None,
    families: dict[str, float] | None = None,
    calibration: Calibration | None = None,
) -> Strategy:
    calibration = calibration or Calibration()
    sure: dict[Any, Any] = {}
    thirds: dict[Any, Any] = {}
    if tables.sureness is not None:
        sure = dict(zip(KINDS, tables_as_lists(tables.sureness), strict=True))
        by_kind = zip(KINDS, edges_by_kind(votes), strict=True)
        thirds = {kind: [float(edge) for edge in edges] for kind, edges in by_kind if np.isfinite(edges).all()}
    return Strategy(
        name=name,
        question=question,
        classes=list(votes.classes),
        prior=[float(value) for value in np.exp(tables.log_prior)],
        voices=_voices(votes, confusion=tables.confusion, edges=edges),
        strangers=dict(zip(KINDS, tables_as_lists(tables.strangers), strict=True)),
        families=families or {},
        overlap=tables.overlap,
        sureness=sure,
        thirds=thirds,
        temperature=calibration.temperature,
        lean=list(calibration.lean),
    )


def _voices(
    votes: Votes, *, weight: Floats | None = None, confusion: Floats | None = None, edges: Floats | None = None
) -> dict[str, Voice]:
    tables = None if confusion is None else tables_as_lists(confusion)
    voices = {}
    for at, voter in enumerate(votes.voters):
        voice = Voice(kind=voter.kind, family=voter.family, answers=int(votes.per_voter[at]))
        if weight is not None:
            voice.weight = round(float(weight[at]), 6)
        if tables is not None:
            voice.confusion = tables[at]
        if edges is not None and np.isfinite(edges[at]).all():
            voice.thirds = [float(edge) for edge in edges[at]]
        voices[voter.name] = voice
    return voices
