"""Annotators' confusions and items' classes, learned from each other by expectation and maximisation.

After Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (Dawid and Skene, 1979),
https://doi.org/10.2307/2346806, with three things added. Gold items keep their class. Confusions are drawn towards what
annotators of a kind do on the whole, so that one who answered little is not taken at their word. And answers about one item
count as fewer than they are, since a hard item misleads everybody: `Tables.overlap` says by how much.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array

from steps.labels.strategies.sureness import sum_by_label, sureness, sureness_of
from steps.labels.votes import KINDS, Floats, Ints, Votes

MOST_ROUNDS = 100
TRUST, RIGHT = 100.0, 0.75
"""Answers to each class that nobody gave, and the share of right ones among them: annotators of a kind are taken to be better
than chance until they have shown otherwise."""
USUAL = 30.0
"""Answers that nobody gave, as often right as the kind's: annotators count as usual until they have shown otherwise."""
SETTLED = 1e-5
"""Mean change of the probabilities, over items and classes, at which a fit ends."""
KIND_IS_WORTH = 2.0
"""Answers of a voter's own that the skill of their kind is worth."""


@dataclass(frozen=True)
class Habits:
    """How far confusions are drawn together. The first three are counts of answers that nobody gave.

    `even`: for each answer to each class. `pooled`: for each class, shared out as annotators of the kind answer who are right
    as often. `own`: for each class, shared out as the annotator would answer who is right equally often whatever the class is.
    `graded`: the last two as somebody would rate who is off by a little more often than by much. `tied`: an annotator is right
    equally often whatever the class is, and errs towards all others alike. `by_answers`: classes are drawn towards being
    as frequent as answers, instead of all alike.
    """

    even: float = 0.03
    pooled: float = 0.3
    own: float = 0.0
    graded: bool = False
    tied: bool = False
    by_answers: bool = False


@dataclass(frozen=True)
class Tables:
    """What was learned of annotators, of A voters and K classes.

    `confusion` (A, K, K): probability that a voter answers the last where the class is the second. `log_prior` (K,).
    `overlap`: correlation of answers about one item beyond what its class explains; n answers then count as
    n / (1 + overlap * (n - 1)). `weight` (m,): how much each vote counts, before that.
    """

    confusion: Floats
    log_prior: Floats
    strangers: Floats
    """(kinds, K, K): the same of annotators of a kind of whom nothing is known."""
    overlap: float = 0.0
    weight: Floats = field(default_factory=lambda: np.ones(0))
    counts: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    """(A, K, K): answers by class, as far as classes are known."""
    prior_counts: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    """(A, K, K): answers that nobody gave, which the confusions were drawn together with."""
    own: float = 0.0
    """How much of those goes by each voter's own skill."""
    skill: Floats = field(default_factory=lambda: np.zeros(0), repr=False)
    """(A,): how often each voter is right, drawn towards their kind."""
    sureness: Floats | None = None
    """(kinds, bins, 2): probability of a degree of confidence where the answer is wrong, and where it is right."""


class Ballots:
    """The votes as a sparse matrix, so that a round of learning is two products with it."""

    def __init__(self, votes: Votes, weight: Floats) -> None:
        self._shape = (len(votes.voters), len(votes.classes))
        voters, classes = self._shape
        rows = votes.voter * classes + votes.label
        self._cast = csr_array((weight, (rows, votes.item)), shape=(voters * classes, len(votes.items)))
        self._by_item = self._cast.T.tocsr()

    def counts(self, posterior: Floats) -> Floats:
        """(A, K, K): how often each voter gave each answer, by class."""
        voters, classes = self._shape
        by_answer = np.asarray(self._cast @ posterior)
        return by_answer.reshape(voters, classes, classes).transpose(0, 2, 1)

    def evidence(self, log_confusion: Floats) -> Floats:
        """(n, K): what all answers about an item say for each class, in logarithms."""
        voters, classes = self._shape
        by_answer = np.ascontiguousarray(log_confusion.transpose(0, 2, 1)).reshape(voters * classes, classes)
        return np.asarray(self._by_item @ by_answer)


def learn(
    votes: Votes,
    habits: Habits,
    *,
    overlap: float = 0.0,
    weight: Floats | None = None,
    begin: Floats | None = None,
    bins: Ints | None = None,
) -> tuple[Tables, Floats]:
    """Tables and the probabilities (n, K) that go with them.

    `begin`: probabilities to start from; else shares of votes. `bins` (m,): degrees of confidence (`sureness.bins_of`).
    """
    weight = np.ones(len(votes)) if weight is None else weight
    ballots = Ballots(votes, weight)

    def tables_of(posterior: Floats) -> Tables:
        tables = _tables(votes, ballots, posterior, habits)
        sure = None if bins is None else sureness(votes, bins, posterior)
        prior = tables.log_prior / usual_spread(votes, overlap)  # class shares are learned from the same answers
        return replace(tables, log_prior=prior - np.log(np.exp(prior).sum()), overlap=overlap, weight=weight, sureness=sure)

    posterior = clamped(shares(votes) if begin is None else begin, votes)
    tables = tables_of(posterior)
    for _ in range(MOST_ROUNDS):
        after = clamped(soft_max(logits(votes, ballots, tables, bins)), votes)
        change = float(np.abs(after - posterior).mean()) if len(after) else 0.0
        posterior = after
        tables = tables_of(posterior)
        if change < SETTLED:
            break
    return tables, posterior


def logits(votes: Votes, ballots: Ballots, tables: Tables, bins: Ints | None = None) -> Floats:
    """(n, K): logarithms of how probable each class is, up to a constant for each item."""
    said = ballots.evidence(np.log(tables.confusion))
    if tables.sureness is not None and bins is not None:
        said = said + sum_by_label(votes, tables.weight * sureness_of(votes, bins, tables.sureness))
    return np.asarray(tables.log_prior + said / spread(votes, tables.overlap)[:, None])


def spread(votes: Votes, overlap: float, fewer: int = 0) -> Floats:
    """(n,): by how much answers about an item count as fewer than they are. `fewer`: answers that are left out."""
    return 1 + overlap * np.maximum(votes.per_item - 1 - fewer, 0)


def usual_spread(votes: Votes, overlap: float) -> float:
    """By how much answers about an item with as many as usual count as fewer than they are."""
    return 1 + overlap * max(len(votes) / max(int((votes.per_item > 0).sum()), 1) - 1, 0)


def shares(votes: Votes, weight: Floats | None = None, shared: float = 0.0) -> Floats:
    """(n, K): the share of an item's votes that each class has; even where there are none.

    `weight` (m,): what each counts. `shared`: what is shared out evenly besides, so that one vote alone is not certain.
    """
    counts = (votes.counts if weight is None else sum_by_label(votes, weight)) + shared / len(votes.classes)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / len(votes.classes))


def clamped(posterior: Floats, votes: Votes) -> Floats:
    """The probabilities, with all of it on the gold class where that is known."""
    known = votes.has_gold
    result = posterior.copy()
    result[known] = 0
    result[known, votes.gold[known]] = 1
    return result


def soft_max(values: Floats) -> Floats:
    """Probabilities of logarithms, along the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _tables(votes: Votes, ballots: Ballots, posterior: Floats, habits: Habits) -> Tables:
    counts = ballots.counts(posterior)
    pooled = _pooled(votes, counts, habits)
    prior_counts = habits.even + habits.pooled * _alike(counts, pooled[votes.kind])
    skill = np.zeros(0)
    if habits.own:
        believed = _believed(votes, counts, pooled)
        skill = np.trace(believed, axis1=1, axis2=2) / believed.sum(axis=(1, 2))
        own = graded(believed) if habits.graded else _skilled(skill, pooled[votes.kind])
        prior_counts = prior_counts + habits.own * own / own.sum(axis=2, keepdims=True)
    if habits.tied:
        counts, prior_counts = tied(counts), tied(prior_counts)
    sums = counts + prior_counts
    classes = len(votes.classes)
    drawn: Floats = np.ones(classes)
    if habits.by_answers:
        answers = np.bincount(votes.label, minlength=classes) + habits.even
        drawn = answers * classes / answers.sum()
    prior = posterior.sum(axis=0) + drawn
    strangers = habits.even + (habits.pooled + 1) * pooled
    return Tables(
        confusion=sums / sums.sum(axis=2, keepdims=True),
        log_prior=np.log(prior / prior.sum()),
        strangers=strangers / strangers.sum(axis=2, keepdims=True),
        counts=counts,
        prior_counts=prior_counts,
        own=habits.own,
        skill=skill,
    )


def _pooled(votes: Votes, counts: Floats, habits: Habits) -> Floats:
    """(kinds, K, K): how annotators of a kind answer on the whole; a kind without any, as all do."""
    classes = len(votes.classes)
    everybody = counts.sum(axis=0) + TRUST * expected(classes)
    pooled = np.stack([counts[votes.kind == kind].sum(axis=0) for kind in range(len(KINDS))])
    pooled = pooled + TRUST * everybody / everybody.sum(axis=1, keepdims=True)
    if habits.graded:
        pooled = graded(pooled)
    return np.asarray(pooled / pooled.sum(axis=2, keepdims=True))


def _alike(counts: Floats, pooled: Floats) -> Floats:
    """(A, K, K): confusions like the pooled ones, but as often right as each annotator is on the whole."""
    usual = np.diagonal(pooled, axis1=1, axis2=2)
    frequency = counts.sum(axis=2)
    total = frequency.sum(axis=1)
    mine = (np.trace(counts, axis1=1, axis2=2) + USUAL * usual.mean(axis=1)) / (total + USUAL)
    would = ((frequency * usual).sum(axis=1) + USUAL * usual.mean(axis=1)) / (total + USUAL)
    shift = _logit(mine) - _logit(would)
    right = 1 / (1 + np.exp(-(_logit(usual) + shift[:, None])))
    wrong = pooled / np.maximum(1 - usual, 1e-9)[:, :, None] * (1 - right)[:, :, None]
    diagonal = np.arange(counts.shape[1])
    wrong[:, diagonal, diagonal] = right
    return np.asarray(wrong)


def _logit(share: Floats) -> Floats:
    share = np.clip(share, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(share) - np.log1p(-share))


def expected(classes: int) -> Floats:
    """(K, K): confusions before anything is known: right more often than not, and wrong towards all others alike."""
    wrong = (1 - RIGHT) / max(classes - 1, 1)
    return np.where(np.eye(classes) > 0, RIGHT, wrong)


def tied(counts: Floats) -> Floats:
    """Counts (A, K, K) shared out evenly among right answers, and evenly among wrong ones."""
    classes = counts.shape[-1]
    right = np.trace(counts, axis1=1, axis2=2)[:, None, None]
    wrong = counts.sum(axis=(1, 2))[:, None, None] - right
    is_right = np.eye(classes)
    return np.asarray(is_right * right / classes + (1 - is_right) * wrong / max(classes * (classes - 1), 1))


def _believed(votes: Votes, counts: Floats, pooled: Floats) -> Floats:
    """(A, K, K): the answers of each voter, and some as their kind gives them."""
    of_kind = pooled * (counts.sum(axis=(0, 2)) / counts.sum())[:, None]
    return np.asarray(counts + KIND_IS_WORTH * of_kind[votes.kind])


def _skilled(skill: Floats, of_kind: Floats) -> Floats:
    """(A, K, K): voters who are right equally often whatever the class is, and err as their kind (A, K, K) errs."""
    is_right = np.eye(of_kind.shape[-1])
    errors = (of_kind + 1e-9) * (1 - is_right)
    errors = errors / np.maximum(errors.sum(axis=2, keepdims=True), 1e-9)
    return np.asarray(is_right * skill[:, None, None] + (1 - skill)[:, None, None] * errors)


def graded(counts: Floats) -> Floats:
    """Confusions of ratings (..., K, K): as counted, but with a shift and a width that are the same for each class."""
    grades = np.arange(counts.shape[-1])
    off = grades[None, :] - grades[:, None]
    total = counts.sum(axis=(-2, -1), keepdims=True)
    shift = (counts * off).sum(axis=(-2, -1), keepdims=True) / total
    width = (counts * (off - shift) ** 2).sum(axis=(-2, -1), keepdims=True) / total + 0.05
    shaped = np.exp(-((off - shift) ** 2) / (2 * width)) + 1e-3
    return np.asarray(shaped / shaped.sum(axis=-1, keepdims=True) * counts.sum(axis=-1, keepdims=True))
