"""Labels of items out of their annotations: what each is, how sure that is, and who said what.

Each type of question has a module that learns a strategy from a table of annotations, and applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from steps.errors import RunError
from steps.labels.choices import NO_STRATEGY
from steps.labels.questions import QuestionType
from steps.labels.settling.many_of import learn_many, settle_many
from steps.labels.settling.one_of import learn_one, settle_one
from steps.labels.settling.ranked import learn_order, settle_order
from steps.labels.settling.settlement import Pull, Settlement
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import AnnotationTable


class Way(NamedTuple):
    """How questions of one type are settled."""

    learn: Callable[[AnnotationTable, StrategyChoice], Strategy]
    settle: Callable[[AnnotationTable, Strategy], Iterator[Settlement]]


WAYS: dict[QuestionType, Way] = {
    "label": Way(learn_one, settle_one),
    "rating": Way(learn_one, settle_one),
    "multi_label": Way(learn_many, settle_many),
    "spans": Way(learn_many, settle_many),
    "ranking": Way(learn_order, settle_order),
}


def learn(table: AnnotationTable, name: StrategyChoice = "auto") -> Strategy:
    """A strategy for the question of a table, learned from all of it. "auto" chooses, and says why.

    Raises:
        RunError: There are no annotations, or the question is of a type that has no label to settle.
    """
    if not len(table):
        raise RunError("there are no annotations to learn from", "load some, or leave fewer of them out")
    strategy = _way(table.question.type).learn(table.counting(), name)
    told = sorted(table.gold.keys() & set(table.items))
    return strategy.model_copy(update={"fitted": strategy.fitted.model_copy(update={"gold_items": told})})


def settle(table: AnnotationTable, strategy: Strategy) -> Iterator[Settlement]:
    """What a strategy makes of each item, in the order in which items first came.

    Raises:
        RunError: It answers questions of another type, or knows other labels.
    """
    if strategy.question != table.question.type:
        what = f"strategy {strategy.tag} answers questions of type {strategy.question!r}, not {table.question.type!r}"
        raise RunError(what, "take another strategy, or learn it anew")
    return _way(table.question.type).settle(table.counting(), strategy)


def _way(question: QuestionType) -> Way:
    if question not in WAYS:
        raise RunError(*NO_STRATEGY)
    return WAYS[question]


__all__ = ["Pull", "Settlement", "learn", "settle"]
