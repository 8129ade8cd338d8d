"""Which strategies fit which questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from steps.labels.questions import QuestionType
from steps.labels.strategy_names import StrategyChoice, StrategyName
from steps.wording import listed

ORDERING: tuple[StrategyName, ...] = ("majority", "learned")
"""Those that order things; the others count how often one answer is given in place of another."""
NO_STRATEGY: tuple[str, str] = (
    "a question of type 'text' has no label to settle: no two people write the same text",
    "ask for a label or a rating of the texts instead, or keep the annotations as they are",
)


def choices_for(question: QuestionType) -> tuple[StrategyName, ...]:
    """The strategies that fit questions of a type."""
    if question == "text":
        return ()
    return ORDERING if question == "ranking" else get_args(StrategyName)


def misfits(chosen: Sequence[StrategyChoice], question: QuestionType) -> Iterator[tuple[str, str]]:
    """What is wrong with strategies for questions of a type, each with what to do."""
    fitting = choices_for(question)
    if not fitting:
        yield NO_STRATEGY
        return
    for name in chosen:
        if name != "auto" and name not in fitting:
            yield f"strategy {name!r} does not fit questions of type {question!r}", f"take {listed(fitting)} or auto"
