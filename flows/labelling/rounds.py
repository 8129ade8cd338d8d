"""Rounds: which items are reviewed next, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from flows.labelling.about import About, Round
from flows.labelling.project import LabelProject
from flows.labelling.scoring import Score, table_from
from steps.errors import RunError
from steps.labels.gain import COUNTED, Neighbours, Spread, own_gain

Order = Literal["gain", "uncertainty", "file"]
CANDIDATES = 400
"""Items for which it is tried what an answer would bring: the least certain ones."""
UNSURE = 0.02
"""How unsure an item is at least that is worth a place in a round though no single answer would change its label."""
LOOKED_AROUND = 60
"""Items for which it is tried what an answer would bring to others: those whose own label gains most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of the queue. `gain`: labels that an answer is expected to put right, of this item and others."""

    item: str
    score: Score
    gain: float
    is_done: bool
    is_skipped: bool


class Gains:
    """What answers would bring, for one project.

    What an item's own label gains is kept until somebody says more of it; what other items gain, until a strategy is learned.
    """

    def __init__(self, project: LabelProject) -> None:
        self._project = project
        self._version = (-1, -1)
        self._own: dict[tuple[str, str], tuple[int, float]] = {}
        """What an item's own label gains by an answer of a reviewer, and how much had been said of it then."""
        self._spread: dict[str, float] = {}
        self._neighbours: Neighbours | None = None

    @property
    def are_reckoned(self) -> bool:
        """Whether answers to this type of question can be tried."""
        return self._project.about.question.type in COUNTED

    def of(self, items: Sequence[str], reviewer: str = "") -> dict[str, float]:
        """The gain of each item. Without a strategy, or for questions whose answers cannot be tried, how unsure it is."""
        project = self._project
        with project.reading():
            standing = project.standing
            if standing is None:
                return {item: 1.0 - 0.01 * min(len(project.said.by_item.get(item, ())), 99) for item in items}
            unsure = {item: standing.of(item).uncertainty for item in items}
            if not self.are_reckoned:
                return unsure
            self._begin((standing.strategy.version, project.begun))
            who = reviewer if reviewer in standing.strategy.voices else ""  # people it does not know are all one to it
            nobody = [item for item in items if not standing.of(item).answers]
            ranked = sorted(
                (item for item in items if unsure[item] > 0 and standing.of(item).answers), key=lambda one: -unsure[one]
            )
            candidates = ranked[:CANDIDATES]
            # an item is tried again when something was said of it
            told = {item: project.said.told_of(item) for item in candidates}
            stale = [item for item in candidates if self._own.get((item, who), (-1,))[0] != told[item]]
            table = table_from(project.said, project.about.question, stale)
            for item, gain in own_gain(table, standing.strategy, stale, who).items():
                self._own[item, who] = (told[item], gain)
            found = dict.fromkeys(items, 0.0)
            found |= {item: self._own[item, who][1] for item in candidates if (item, who) in self._own}
            for item in sorted(candidates, key=lambda one: -found[one])[:LOOKED_AROUND]:
                found[item] += self._spread_gain(item)
            for item in nobody:
                found[item] = 1 - 1 / max(len(standing.strategy.classes), 2)
            return found

    def spread(self, item: str) -> Spread:
        """What an answer about an item would do to the others; nothing where that cannot be tried."""
        with self._project.reading():
            standing = self._project.standing
            if standing is None or not self.are_reckoned:
                return Spread(0.0, 0.0)
            self._begin((standing.strategy.version, self._project.begun))
            return self._around().spread(item)

    def _spread_gain(self, item: str) -> float:
        if item not in self._spread:
            self._spread[item] = self._around().spread(item).gain
        return self._spread[item]

    def _around(self) -> Neighbours:
        if self._neighbours is None:
            standing = self._project.standing
            assert standing is not None
            table = table_from(self._project.said, self._project.about.question)
            self._neighbours = Neighbours(table, standing.strategy)
        return self._neighbours

    def _begin(self, version: tuple[int, int]) -> None:
        if version != self._version:
            self._version, self._neighbours = version, None
            self._own.clear()
            self._spread.clear()


def queue(
    project: LabelProject, gains: Gains, items: Iterable[str] | None = None, order: Order = "gain", reviewer: str = ""
) -> list[Entry]:
    """Items to review: those of the open round, or others that are given. What was skipped or is done comes last."""
    with project.reading():
        opened = project.about.open_round
        chosen = [item for item in (opened.items if opened and items is None else items or ()) if item in project.items]
        number = opened.number if opened else project.last_round
        gain = gains.of(chosen, reviewer)
        entries = [
            Entry(
                item,
                project.score(item),
                gain[item],
                is_answered(project, item, number),
                any(line["round"] == number for line in project.said.skips_of(item)),
            )
            for item in chosen
        ]
    if order == "gain":
        entries.sort(key=lambda one: (-one.gain, -one.score.uncertainty))
    elif order == "uncertainty":
        entries.sort(key=lambda one: -one.score.uncertainty)
    return sorted(entries, key=lambda one: (one.is_done, one.is_skipped))


def is_answered(project: LabelProject, item: str, number: int) -> bool:
    """Whether a reviewer answered about an item in a round."""
    return any(one["round"] == number and one["source"] == "review" for one in project.said.annotations_of(item))


def open_round(project: LabelProject, gains: Gains, size: int | None = None) -> Round:
    """Open the next round, with the items about which an answer brings most.

    Raises:
        RunError: One is open already, or there is nothing left to review.
    """
    with project.writing():
        about = project.about
        if about.open_round:
            raise RunError(f"round {about.open_round.number} is open", "close it first")
        ready = [item for item in project.items if project.said.gold_of(item) is None]
        ranked = queue(project, gains, ready)
        number = project.last_round + 1 if project.said.count or about.rounds else 1
        open_ones = [one.item for one in ranked if one.gain > 0 or one.score.uncertainty >= UNSURE or not one.score.answers]
        chosen = open_ones[: size or about.round_size]
        if not chosen:
            raise RunError("there is nothing left to review: no answer would change a label", "add annotations or items")
        strategy = project.strategy
        opened = Round(number=number, items=chosen, version=strategy.version if strategy else 0, opened_at=_now())
        project.change(lambda now: now.model_copy(update={"rounds": [*now.rounds, opened]}))
        return opened


def close_round(project: LabelProject) -> Round:
    """Close the open round: what is said of its items from now on belongs to the next one.

    Raises:
        RunError: None is open.
    """

    def closed(about: About) -> About:
        opened = about.open_round
        if opened is None:
            raise RunError("no round is open", "open one")
        return about.model_copy(update={"rounds": [*about.rounds[:-1], opened.model_copy(update={"closed_at": _now()})]})

    return project.change(closed).rounds[-1]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
