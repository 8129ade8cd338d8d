"""What annotators are like: how often they are right, what they say too often, who errs together, and whether that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from steps.labels.agreement import Level, krippendorff_alpha
from steps.labels.measures import Interval, proportion
from steps.labels.strategies.families import family_of
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategies.verdicts import Verdicts
from steps.labels.votes import Floats, Ints, Votes

SHARED = 20
"""Items that two annotators must both have answered about for it to be told whether they err together."""
TOGETHER = 0.3
"""Correlation of errors from which on two annotators are said to err together."""
CLEARLY = 4.0
"""Standard errors from which on a correlation is told: there are many pairs, and chance makes some of them look alike."""
MOST_PARTNERS = 5


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody who errs on the same items. n such annotators count as n / (1 + correlation * (n - 1))."""

    annotator: str
    correlation: float
    shared: int


@dataclass(frozen=True, slots=True)
class AnnotatorReport:
    """What one annotator is like.

    `reliability`: how often an answer is right. `bias`: for each class, by how much more often it is said than it is so, as a
    share of all answers. `confusion`: for each class, how often each answer is given where it is so; empty where a strategy
    learns none. `by_round`: reliability in each round. `drift`: by how much it rose from the first half of the rounds to the
    second. `confidence`: mean of their own confidence, to hold against reliability. `with_humans`: share of people's answers
    about the same items that are the same.
    """

    annotator: str
    kind: str
    family: str
    answers: int
    reliability: Interval
    bias: dict[str, float]
    confusion: dict[str, dict[str, float]]
    by_round: dict[int, float]
    drift: Interval | None
    confidence: float | None
    with_humans: float | None
    errs_with: list[Partner] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CrowdReport:
    """All annotators of a set of annotations. `alpha`: Krippendorff's; NaN where nothing can be said of agreement."""

    annotators: list[AnnotatorReport]
    alpha: float
    families: dict[str, float]


def crowd_report(strategy: Strategy, verdicts: Verdicts, rounds: Sequence[int] = ()) -> CrowdReport:
    """The annotators of these verdicts, those with the most answers first. `rounds` (m,): in which each vote was cast."""
    votes = verdicts.votes
    level: Level = "interval" if strategy.question == "rating" else "nominal"
    in_round = np.array(rounds if len(rounds) else np.ones(len(votes)), dtype=np.int64)
    partners = _partners(verdicts)
    said = _said_beyond(verdicts)
    agreed = _with_humans(votes)
    order = np.argsort(votes.voter, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(votes.per_voter)])
    reports = []
    for at, voter in enumerate(votes.voters):
        mine = order[bounds[at] : bounds[at + 1]]
        if not len(mine):
            continue
        right, sure = verdicts.right[mine], votes.confidence[mine]
        voice = strategy.voices.get(voter.name)
        table = voice.confusion if voice else []
        confusion = {
            name: dict(zip(strategy.classes, row, strict=True)) for name, row in zip(strategy.classes, table, strict=False)
        }
        reports.append(
            AnnotatorReport(
                annotator=voter.name,
                kind=voter.kind,
                family=family_of(voter),
                answers=len(mine),
                reliability=_share(right),
                bias={name: round(float(value), 4) for name, value in zip(votes.classes, said[at], strict=True)},
                confusion=confusion,
                by_round={one: float(right[in_round[mine] == one].mean()) for one in np.unique(in_round[mine]).tolist()},
                drift=_drift(right, in_round[mine]),
                confidence=None if np.isnan(sure).all() else float(np.nanmean(sure)),
                with_humans=None if np.isnan(agreed[at]) else float(agreed[at]),
                errs_with=partners.get(at, []),
            )
        )
    reports.sort(key=lambda report: -report.answers)
    return CrowdReport(reports, krippendorff_alpha(votes, level), strategy.families)


def _share(right: Floats) -> Interval:
    """The mean of probabilities of being right, and where it lies given as many answers, of which each may be right or not."""
    mean = float(right.mean())
    doubt = float((right * (1 - right)).sum()) / len(right) ** 2
    count = float(len(right))
    if 0 < mean < 1:  # as many answers of which it is known would leave as wide an interval
        count = min(count, mean * (1 - mean) / (mean * (1 - mean) / count + doubt))
    return proportion(mean * count, count)


def _drift(right: Floats, rounds: Ints) -> Interval | None:
    """How much more often answers of later rounds are right; None where there is one round."""
    present = np.unique(rounds)
    if len(present) < 2:
        return None
    is_late = rounds >= present[len(present) // 2]
    early, late = _share(right[~is_late]), _share(right[is_late])
    off = late.value - early.value
    down = np.hypot(late.value - late.low, early.high - early.value)
    up = np.hypot(late.high - late.value, early.value - early.low)
    return Interval(off, off - float(down), off + float(up))


def _said_beyond(verdicts: Verdicts) -> Floats:
    """(A, K): by how much more often each voter says a class than it is so."""
    votes = verdicts.votes
    voters, classes = len(votes.voters), len(votes.classes)
    given = np.bincount(votes.voter * classes + votes.label, minlength=voters * classes).reshape(voters, classes)
    cast = csr_array((np.ones(len(votes)), (votes.voter, votes.item)), shape=(voters, len(votes.items)))
    expected = np.asarray(cast @ verdicts.posterior)
    return np.asarray((given - expected) / np.maximum(votes.per_voter, 1)[:, None])


def _with_humans(votes: Votes) -> Floats:
    """(A,): how often people gave the answers that each voter gave; NaN where no other person answered."""
    is_human = votes.kind[votes.voter] == 0
    humans = votes.only(is_human)
    counts, totals = humans.counts, humans.per_item
    own = is_human.astype(float)
    others = totals[votes.item] - own
    agreed = np.where(others > 0, (counts[votes.item, votes.label] - own) / np.where(others > 0, others, 1), np.nan)
    known = ~np.isnan(agreed)
    sums = np.bincount(votes.voter[known], weights=agreed[known], minlength=len(votes.voters))
    size = np.bincount(votes.voter[known], minlength=len(votes.voters))
    return np.where(size > 0, sums / np.maximum(size, 1), np.nan)


def _partners(verdicts: Verdicts) -> dict[int, list[Partner]]:
    """For each voter, those who err on the same items more often than by chance, by place.

    Two who said the same are wrong together as probably as that is wrong; who said different things, as neither is right. Where
    shares are counted, only gold tells what is wrong: held against each other, all who agree would seem to err together.
    """
    votes = verdicts.votes
    is_told = np.flatnonzero((votes.gold[votes.item] >= 0) if verdicts.by_shares else np.ones(len(votes), dtype=bool))
    voter, item, right = votes.voter[is_told], votes.item[is_told], verdicts.right[is_told]
    voters, classes, items = len(votes.voters), len(votes.classes), len(votes.items)

    def matrix(values: Floats, columns: Ints, width: int) -> csr_array:
        return csr_array((values, (voter, columns)), shape=(voters, width))

    is_there, is_right = matrix(np.ones(len(voter)), item, items), matrix(right, item, items)
    answers = item * classes + votes.label[is_told]
    said, said_right = (matrix(values, answers, items * classes) for values in (np.ones(len(voter)), right))
    shared = (is_there @ is_there.T).tocoo()
    enough = (shared.data >= SHARED) & (shared.row < shared.col)
    one, other, size = shared.row[enough], shared.col[enough], shared.data[enough]
    mine, alike = (is_right @ is_there.T).tocsr(), (said_right @ said.T).tocsr()
    found: dict[int, list[Partner]] = {}
    for left, right_one, count in zip(*(places.tolist() for places in (one, other, size)), strict=True):
        wrong = 1 - float(mine[left, right_one]) / count, 1 - float(mine[right_one, left]) / count
        both = wrong[0] + wrong[1] - 1 + float(alike[left, right_one]) / count
        scale = float(np.sqrt(wrong[0] * (1 - wrong[0]) * wrong[1] * (1 - wrong[1])))
        correlation = (both - wrong[0] * wrong[1]) / scale if scale > 1e-9 else 0.0
        if correlation >= max(TOGETHER, CLEARLY / np.sqrt(count)):
            for at, partner in ((left, right_one), (right_one, left)):
                told = Partner(votes.voters[partner].name, round(correlation, 4), int(count))
                found.setdefault(at, []).append(told)
    return {at: sorted(some, key=lambda one: -one.correlation)[:MOST_PARTNERS] for at, some in found.items()}
