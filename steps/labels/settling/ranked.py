"""Questions that order things: answers, models, or whatever else is better or worse.

Things belong to their item: what is called "a" in one is not the "a" of another. To order models over many prompts, give all
rows the same item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from steps.errors import RunError
from steps.labels.choices import misfits
from steps.labels.settling.settlement import Pull, Settlement
from steps.labels.strategies.bradley_terry import (
    Duels,
    chances_of_best,
    compete,
    first_places,
    shares_of_wins,
)
from steps.labels.strategies.strategy import Fitted, Strategy, Voice
from steps.labels.strategy_names import StrategyChoice, StrategyName
from steps.labels.table import AnnotationTable
from steps.labels.votes import Codes, Floats

WHY = (
    "learned: rankings are settled by scores (Bradley and Terry), each annotator weighed by how reliably they see differences."
)


def learn_order(table: AnnotationTable, name: StrategyChoice) -> Strategy:
    """How far each annotator sees differences; for "majority" everybody alike."""
    for problem in misfits([name], "ranking"):
        raise RunError(*problem)
    known: StrategyName = "majority" if name == "majority" else "learned"
    table = table.some(sorted(range(len(table)), key=lambda at: (table.items[at], table.annotators[at], table.labels[at])))
    contest = Contest(table)  # in that order sums come out alike, in whichever order rows came
    fitted = Fitted(items=len(contest.items), annotations=len(table), gold=len(table.gold), rounds=sorted(set(table.rounds)))
    acuity = np.ones(len(contest.people)) if known == "majority" else compete(contest.duels).acuity
    answers = np.bincount(contest.voters_of, minlength=len(contest.people))
    voices = {
        one: Voice(
            kind=table.voters[one].kind,
            family=table.voters[one].family,
            answers=int(answers[at]),
            weight=round(float(acuity[at]), 6),
        )
        for at, one in enumerate(contest.people)
    }
    why = WHY if name == "auto" else ""
    return Strategy(name=known, question="ranking", classes=[], voices=voices, fitted=fitted, why=why)


def settle_order(table: AnnotationTable, strategy: Strategy) -> Iterator[Settlement]:
    """The things of each item from best to worst: first what is most probably the best, then the others by their scores.

    The probability is that of the first being the best.
    """
    contest = Contest(table)
    if strategy.name == "majority":
        score = shares_of_wins(contest.duels)
        led = first_places(contest.rankings, len(contest.owner))
        total = np.bincount(contest.owner, weights=led, minlength=len(contest.items))
        chances, acuity = led / total[contest.owner], np.ones(len(contest.people))
    else:
        usual = float(np.mean([voice.weight for voice in strategy.voices.values()])) if strategy.voices else 1.0
        acuity = np.array([strategy.voices[one].weight if one in strategy.voices else usual for one in contest.people])
        standings = compete(contest.duels, acuity)
        score, chances = standings.score, chances_of_best(standings, contest.duels)
    yield from contest.settlements(score, chances, acuity)


class Contest:
    """The rankings of a table as duels between things of items."""

    def __init__(self, table: AnnotationTable) -> None:
        self._table = table
        self._things: list[str] = []
        self._of_item: dict[str, dict[str, int]] = defaultdict(dict)
        items = Codes()
        owner: list[int] = []

        def places(item: str, names: Sequence[str]) -> list[int]:
            known = self._of_item[item]
            for name in names:
                if name not in known:
                    known[name] = len(owner)
                    owner.append(items.code(item))
                    self._things.append(name)
            return [known[name] for name in names]

        people = Codes()
        self.voters_of = [people.code(one) for one in table.annotators]
        self.rankings = [places(item, names) for item, names in zip(table.items, table.labels, strict=True)]
        gold = [places(item, names) for item, names in table.gold.items() if item in items.of]
        self.items, self.people = items.names, people.names
        self.owner = np.array(owner, dtype=np.int64)
        self.place = np.zeros(len(owner), dtype=np.int64)
        for known in self._of_item.values():
            for at, name in enumerate(sorted(known)):
                self.place[known[name]] = at
        self.duels = self._duels([*zip(self.voters_of, self.rankings, strict=True), *((-1, one) for one in gold)])

    def _duels(self, rankings: Sequence[tuple[int, list[int]]]) -> Duels:
        voter, better, worse, weight = [], [], [], []
        for who, ranking in rankings:
            for first, second in combinations(ranking, 2):
                voter.append(who)
                better.append(first)
                worse.append(second)
                weight.append(2 / len(ranking))
        who_is, won, lost = (np.array(one, dtype=np.int64) for one in (voter, better, worse))
        return Duels(who_is, won, lost, np.array(weight), self.owner, self.place, len(self.people))

    def settlements(self, score: Floats, chances: Floats, acuity: Floats) -> Iterator[Settlement]:
        """The orders, with what each ranking says for them."""
        table = self._table
        mine: dict[str, list[int]] = defaultdict(list)
        for place, item in enumerate(table.items):
            mine[item].append(place)
        for item in self.items:
            if item not in mine:
                continue
            known = self._of_item[item]
            order = sorted(known, key=lambda name: (-score[known[name]], -chances[known[name]], name))
            likeliest = max(order, key=lambda name: round(float(chances[known[name]]), 9))
            order = [likeliest, *(name for name in order if name != likeliest)]
            is_gold = item in table.gold
            if is_gold:
                order = [*table.gold[item], *(name for name in order if name not in table.gold[item])]
            pulls = [
                Pull(table.ids[at], table.annotators[at], table.labels[at], self._pull(at, score, acuity, order))
                for at in mine[item]
            ]
            told = [{"label": name, "probability": round(float(chances[known[name]]), 6)} for name in order]
            sure = 1.0 if is_gold else round(float(chances[known[order[0]]]), 6)
            yield Settlement(table.question.type, item, order, sure, told, pulls, is_gold)

    def _pull(self, place: int, score: Floats, acuity: Floats, order: list[str]) -> float:
        """How far a ranking speaks for an order, in logarithms of odds against the reverse one."""
        rank = {name: at for at, name in enumerate(order)}
        ranking = self.rankings[place]
        total = 0.0
        for first, second in combinations(ranking, 2):
            agrees = rank[self._things[first]] < rank[self._things[second]]
            total += (1 if agrees else -1) * abs(float(score[first] - score[second])) * 2 / len(ranking)
        return round(total * float(acuity[self.voters_of[place]]), 4)
