"""Simulated rankings: is what comes out first the best thing, by wins alone and by scores that know their annotators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.labels.crowds import markdown, short
from benchmarks.labels.simulated import ALLOWED
from steps.labels.measures import Scored, accuracy, calibration_error, review_gain
from steps.labels.questions import Question
from steps.labels.settling import learn, settle
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import AnnotationTable

NAMES: tuple[StrategyChoice, ...] = ("majority", "auto")


@dataclass(frozen=True)
class Contest:
    """Items with things to rank. Scores are normal, answers follow Plackett and Luce, annotators differ in acuity."""

    name: str
    things: int = 2
    answers: int = 5
    adverse: float = 0.0
    items: int = 1000
    people: int = 40
    unlike: float = 0.7

    def draw(self, seed: int) -> tuple[AnnotationTable, list[str]]:
        """The rankings, and the best thing of each item."""
        rng = np.random.default_rng(seed)
        worth = rng.normal(0, 1.5, (self.items, self.things))
        acuity = rng.lognormal(0, self.unlike, self.people) * np.where(rng.random(self.people) < self.adverse, -1, 1)
        table = AnnotationTable(Question(type="ranking"))
        for item in range(self.items):
            for person in rng.choice(self.people, self.answers, replace=False):
                order = np.argsort(-(acuity[person] * worth[item] + rng.gumbel(size=self.things)))
                table.add_row({"item": str(item), "annotator": f"p{person}", "label": [f"t{place}" for place in order]})
        return table, [f"t{best}" for best in worth.argmax(axis=1)]


CONTESTS = (
    Contest("pairs, 3 answers", answers=3),
    Contest("pairs, 7 answers", answers=7),
    Contest("pairs, people alike", unlike=0.1),
    Contest("pairs, people very unlike", unlike=1.2),
    Contest("pairs, 20% adverse", adverse=0.2),
    Contest("pairs, 60 items", items=60),
    Contest("pairs, 1 to 3 answers a person", people=2000, answers=3),
    Contest("four things, 3 answers", things=4, answers=3),
    Contest("four things, 20% adverse", things=4, adverse=0.2),
)


@dataclass(frozen=True)
class Outcome:
    """How strategies did on a contest, in the order of NAMES: means over seeds of accuracy, ECE and review gain."""

    contest: str
    accuracy: tuple[float, ...]
    calibration_error: tuple[float, ...]
    review_gain: tuple[float, ...]

    @property
    def gain(self) -> float:
        """How much more accurate scores are than shares of wins."""
        return self.accuracy[1] - self.accuracy[0]


def run(contests: Sequence[Contest], seeds: int) -> list[Outcome]:
    """All strategies on all contests."""
    outcomes = []
    for contest in contests:
        figures = np.mean([[_measured(*contest.draw(seed), name) for name in NAMES] for seed in range(seeds)], axis=0)
        outcomes.append(Outcome(contest.name, *(tuple(column.tolist()) for column in figures.T)))
    return outcomes


def _measured(table: AnnotationTable, best: list[str], name: StrategyChoice) -> tuple[float, float, float]:
    settled = {one.item: one for one in settle(table, learn(table, name))}
    sure = np.array([settled[str(item)].probability for item in range(len(best))])
    right = np.array([settled[str(item)].label[0] == thing for item, thing in enumerate(best)])
    labels = Scored(sure, right, np.where(right, sure, 1 - sure))
    return accuracy(labels), calibration_error(labels), review_gain(labels)


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each contest, and for how many of them scores fall below shares of wins."""
    rows = [
        [one.contest, *(" / ".join(map(short, figures)) for figures in (one.accuracy, one.calibration_error, one.review_gain))]
        for one in outcomes
    ]
    head = ["rankings", *(f"{what}: majority / auto" for what in ("best one first", "ECE", "errors found"))]
    below = [f"{one.contest}: {one.gain:+.3f}" for one in outcomes if one.gain < -ALLOWED]
    told = "; ".join(["", *below])
    verdict = f"- auto: more than half a point below majority in {len(below)} of {len(outcomes)} settings{told}"
    return f"{markdown(head, rows)}\n\n{verdict}"
