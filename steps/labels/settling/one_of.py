"""Questions with one answer: a label, or a rating."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from steps.errors import RunError
from steps.labels.questions import Question, label_text
from steps.labels.settling.settlement import Pull, Settlement
from steps.labels.strategies.choosing import choose
from steps.labels.strategies.fitting import fit
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategies.verdicts import Verdicts
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import AnnotationTable
from steps.labels.votes import Votes, votes_of

MOST_CLASSES = 1000
"""Labels that an item may be taken for: each annotator's confusions have as many rows, and as many columns."""


def learn_one(table: AnnotationTable, name: StrategyChoice) -> Strategy:
    """A strategy for a question with one answer."""
    votes, rounds = votes_in(table).in_order(), sorted(set(table.rounds))
    if name == "auto":
        return choose(votes, table.question.type, rounds)
    return fit(name, votes, table.question.type, rounds)


def settle_one(table: AnnotationTable, strategy: Strategy) -> Iterator[Settlement]:
    """What a strategy makes of each item, in the order in which items first came."""
    return settlements(table, strategy.apply(votes_in(table, strategy.classes)))


def votes_in(table: AnnotationTable, classes: Sequence[str] = ()) -> Votes:
    """The votes of a table whose question takes one label or rating. `classes`: those of a strategy; else of the question.

    Raises:
        RunError: An answer is none of `classes`.
    """
    different = {label: label_text(label) for label in set(table.labels)}
    if len(different) > MOST_CLASSES:
        what = f"there are {len(different):,} different answers, of at most {MOST_CLASSES:,} labels"
        raise RunError(what, "if they are texts, ask a question of type text; else name another column as the label")
    known = classes or [label_text(_answer(table.question, label)) for label in table.question.labels]
    try:
        return votes_of(
            table.items,
            table.annotators,
            [different[label] for label in table.labels],
            classes=known,
            confidences=[np.nan if one is None else one for one in table.confidences],
            voters=table.voters,
            gold={item: label_text(label) for item, label in table.gold.items()},
        )
    except ValueError as error:
        raise RunError(str(error), "learn the strategy anew, or leave these annotations out") from None


def settlements(table: AnnotationTable, verdicts: Verdicts) -> Iterator[Settlement]:
    """Verdicts in words, item by item."""
    votes = verdicts.votes
    posterior = verdicts.posterior.round(6)
    answers = [_answer(table.question, name) for name in votes.classes]
    for at, item in enumerate(votes.items):
        winner = int(verdicts.winner[at])
        pulls = [
            Pull(table.ids[place], table.annotators[place], table.labels[place], round(float(verdicts.pull[place]), 4))
            for place in verdicts.votes_on(at)
        ]
        shares = dict(zip(votes.classes, map(float, posterior[at]), strict=True))
        is_gold = bool(votes.gold[at] >= 0)
        yield Settlement(table.question.type, item, answers[winner], float(posterior[at, winner]), shares, pulls, is_gold)


def _answer(question: Question, name: str) -> Any:
    return float(name) if question.type == "rating" else name
