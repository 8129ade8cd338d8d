"""What a strategy makes of the items of a project: of all once, then of each again about which somebody said more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.labelling.said import Said
from steps.labels.questions import Question
from steps.labels.table import AnnotationTable

if TYPE_CHECKING:
    from steps.labels.settling import Settlement
    from steps.labels.strategies.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Score:
    """What an item is taken for now."""

    label: Any
    probability: float
    answers: int
    is_gold: bool = False

    @property
    def uncertainty(self) -> float:
        """How probable it is that the label is wrong."""
        return 0.0 if self.is_gold else round(1 - self.probability, 6)


UNKNOWN = Score(None, 0.0, 0)
"""Of an item about which nobody said anything."""


def table_from(
    said: Said, question: Question, items: Iterable[str] | None = None, rounds: Iterable[int] | None = None
) -> AnnotationTable:
    """The annotations that count as a table; of some items, and of some rounds only. All were read when they were taken in."""
    table = AnnotationTable(question)
    wanted = None if rounds is None else set(rounds)
    for item in said.by_item if items is None else items:
        for one in said.annotations_of(item):
            if wanted is not None and one["round"] not in wanted:
                continue
            table.items.append(item)
            table.annotators.append(one["annotator"])
            table.labels.append(one["label"])
            table.confidences.append(one["confidence"])
            table.explanations.append(one["explanation"])
            table.ids.append(one["annotation_id"])
            table.rounds.append(one["round"])
            table.voters[one["annotator"]] = said.voters[one["annotator"]]
        table.about[item] = {}
        if (gold := said.gold_of(item)) is not None:
            table.gold[item] = gold
    return table


class Standing:
    """The scores of all items by one strategy."""

    def __init__(self, strategy: Strategy, said: Said, question: Question) -> None:
        self.strategy = strategy
        self._said = said
        self._question = question
        self.scores = scores_of(table_from(said, question), strategy)

    def of(self, item: str) -> Score:
        return self.scores.get(item, UNKNOWN)

    def again(self, items: Iterable[str]) -> None:
        """Score items anew."""
        for item in items:
            settlement = settlement_of(item, self._said, self._question, self.strategy)
            if settlement is None:
                self.scores.pop(item, None)
            else:
                self.scores[item] = _score(settlement)


def settlement_of(item: str, said: Said, question: Question, strategy: Strategy) -> Settlement | None:
    """What a strategy makes of one item, with each annotation's part in it; None where nobody said anything."""
    from steps.labels.settling import settle

    table = table_from(said, question, [item])
    return next(iter(settle(table, strategy)), None) if len(table) else None


def scores_of(table: AnnotationTable, strategy: Strategy) -> dict[str, Score]:
    """What a strategy takes each item for.

    Raises:
        RunError: There are labels that it does not know.
    """
    from steps.labels.settling import settle

    return {one.item: _score(one) for one in settle(table, strategy)}


def _score(one: Settlement) -> Score:
    return Score(one.label, one.probability, len(one.pulls), one.is_gold)


def mean_uncertainty(scores: Mapping[str, Score]) -> float:
    """How many labels of a hundred are wrong, if probabilities are right; 0 where there are none."""
    open_ones = [score.uncertainty for score in scores.values() if not score.is_gold]
    return sum(open_ones) / len(open_ones) if open_ones else 0.0
