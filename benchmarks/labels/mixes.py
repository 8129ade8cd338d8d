"""Simulated crowds: people, LLM judges that err together, templates, and people who answer wrongly on purpose.

Every item has a truth and a hardness. People are right as often as they are skilled, less so on hard items, and with a leaning
of their own for each class. An LLM judge takes, with probability sqrt(`together`), what its family would say instead of its own
draw, so that the errors of two judges correlate by about `together`. A template says the first class wherever it sees nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.labels.crowds import Crowd
from steps.labels.annotations import AnnotatorKind
from steps.labels.votes import KINDS, UNKNOWN, Floats, Ints, Voter, Votes

HUMAN, JUDGE, TEMPLATE = range(len(KINDS))


@dataclass(frozen=True)
class Mix:
    """Who answers about what. Shares of judges and templates are of the answers, that of adversaries is of the people.

    `confidence`: nobody gives one, all give one that tells nothing, or one that tells whether they are right. `ratings`:
    classes are grades; people and judges rate too high or low, or spread widely. `told`: whether it is known who is an LLM.
    """

    name: str
    prior: tuple[float, ...] = (0.5, 0.3, 0.2)
    items: int = 1000
    answers: tuple[int, int] = (4, 6)
    humans: int = 20
    skill: tuple[float, float] = (0.6, 0.95)
    adversaries: float = 0.05
    judges: int = 6
    judged: float = 0.3
    judge_skill: tuple[float, float] = (0.68, 0.85)
    together: float = 0.3
    templates: float = 0.05
    confidence: Literal["none", "idle", "tells"] = "none"
    ratings: Literal["", "biased", "wide"] = ""
    told: bool = True

    def draw(self, seed: int) -> Crowd:
        """One such crowd."""
        rng = np.random.default_rng([11, seed])
        kind, skill = self._people(rng)
        truth = rng.choice(len(self.prior), self.items, p=self.prior)
        item, voter = self._asked(rng, kind)
        hard = rng.beta(2, 4, self.items)
        label, is_right = (self._rated if self.ratings else self._named)(rng, truth, hard, item, voter, kind, skill)
        names: list[AnnotatorKind] = [KINDS[one] if self.told else "human" for one in kind]
        people = [Voter(f"{name} {at}", name) for at, name in enumerate(names)]
        confidence = self._confidence(rng, is_right)
        gold = np.full(self.items, UNKNOWN, dtype=np.int64)
        classes = [str(one) for one in range(len(self.prior))]
        votes = Votes([str(one) for one in range(self.items)], people, classes, item, voter, label, confidence, gold)
        return Crowd(self.name, votes, truth, "rating" if self.ratings else "label")

    def _people(self, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Kind and skill of each annotator."""
        adversaries = round(self.adversaries * self.humans)
        judges, templates = self.judges if self.judged else 0, 2 if self.templates else 0
        kind = np.repeat([HUMAN, JUDGE, TEMPLATE], [self.humans, judges, templates])
        skill = [rng.uniform(*self.skill, self.humans - adversaries), rng.uniform(0.05, 0.25, adversaries)]
        return kind, np.concatenate([*skill, rng.uniform(*self.judge_skill, judges), rng.uniform(0.45, 0.6, templates)])

    def _asked(self, rng: np.random.Generator, kind: Ints) -> tuple[Ints, Ints]:
        """Which annotators are asked about which items, none twice about one."""
        share = np.array([1 - self.judged - self.templates, self.judged, self.templates])
        weight = share[kind] / np.bincount(kind, minlength=len(KINDS))[kind]
        order = np.argsort(rng.exponential(size=(self.items, len(kind))) / weight, axis=1)
        many = rng.integers(self.answers[0], self.answers[1] + 1, self.items)
        asked = np.arange(len(kind)) < many[:, None]
        return np.nonzero(asked)[0], order[asked]

    def _named(
        self, rng: np.random.Generator, truth: Ints, hard: Floats, item: Ints, voter: Ints, kind: Ints, skill: Floats
    ) -> tuple[Ints, Ints]:
        """Answers that are one class of several, and whether they are right."""
        classes, is_adverse = len(self.prior), skill < 0.3
        leaning = rng.uniform(-0.1, 0.1, (len(kind), classes))
        right = skill[voter] + leaning[voter, truth[item]] - np.where(is_adverse[voter], 0, 0.45 * (hard[item] - 0.33))
        off = rng.integers(1, classes, len(item)) if classes > 1 else np.zeros(len(item), dtype=np.int64)
        luck = rng.random(len(item))
        shared = (kind[voter] == JUDGE) & (rng.random(len(item)) < np.sqrt(self.together))
        luck = np.where(shared, rng.random(len(truth))[item], luck)
        off = np.where(shared, rng.integers(1, max(classes, 2), len(truth))[item], off)
        wrong = (truth[item] + off) % classes
        wrong = np.where((kind[voter] == TEMPLATE) & (truth[item] != 0), 0, wrong)
        is_right = luck < np.clip(right, 0.02, 0.99)
        return np.where(is_right, truth[item], wrong), is_right.astype(np.int64)

    def _rated(
        self, rng: np.random.Generator, truth: Ints, hard: Floats, item: Ints, voter: Ints, kind: Ints, skill: Floats
    ) -> tuple[Ints, Ints]:
        """Answers that are grades: off by an annotator's leaning and width. Adversaries turn the scale around."""
        top = len(self.prior) - 1
        leaning = rng.normal(0, 0.9 if self.ratings == "biased" else 0.25, len(kind))
        width = rng.uniform(0.3, 0.7, len(kind)) if self.ratings == "biased" else rng.uniform(0.5, 1.6, len(kind))
        noise, of_family = rng.normal(size=len(item)), rng.normal(size=len(truth))[item]
        joint = np.sqrt(self.together) * of_family + np.sqrt(1 - self.together) * noise
        noise = np.where(kind[voter] == JUDGE, joint, noise)
        said = truth[item] + leaning[voter] + width[voter] * (0.7 + hard[item]) * noise
        said = np.where(skill[voter] < 0.3, top - said, said)
        label = np.clip(np.rint(said), 0, top).astype(np.int64)
        return label, (label == truth[item]).astype(np.int64)

    def _confidence(self, rng: np.random.Generator, is_right: Ints) -> Floats:
        if self.confidence == "none":
            return np.full(len(is_right), np.nan)
        told = 0.2 * is_right if self.confidence == "tells" else 0.1
        return np.clip(0.6 + told + 0.15 * rng.normal(size=len(is_right)), 0, 1)


EVEN7, GRADES = (1 / 7,) * 7, (0.1, 0.15, 0.3, 0.3, 0.15)
MIXES = (
    Mix("people alone, independent", judged=0, templates=0, adversaries=0),
    *(Mix(f"{share:.0%} judges, together {r}", judged=share, together=r) for share in (0.3, 0.7) for r in (0.0, 0.3, 0.6, 0.9)),
    Mix("70% judges, together 0.6, not known as such", judged=0.7, together=0.6, told=False),
    Mix("no adversaries", adversaries=0),
    Mix("10% adversaries", adversaries=0.1),
    Mix("20% adversaries", adversaries=0.2),
    Mix("people mostly adverse, judges sound", adversaries=0.6, judged=0.6),
    Mix("2 classes, even", prior=(0.5, 0.5)),
    Mix("2 classes, 9 to 1", prior=(0.9, 0.1)),
    Mix("3 classes, 90 to 7 to 3", prior=(0.9, 0.07, 0.03)),
    Mix("5 classes", prior=(0.3, 0.25, 0.2, 0.15, 0.1)),
    Mix("7 classes, even", prior=EVEN7),
    Mix("3 answers an item", answers=(3, 3)),
    Mix("10 answers an item", answers=(10, 10)),
    Mix("1 or 2 answers an item", answers=(1, 2)),
    Mix("confidence that tells", confidence="tells"),
    Mix("confidence that tells nothing", confidence="idle"),
    Mix("many people, 1 to 3 answers each", humans=2000, items=800),
    Mix("60 items", items=60),
    Mix("poor people", skill=(0.4, 0.65)),
    Mix("good people", skill=(0.85, 0.98), adversaries=0, judged=0),
    Mix("ratings, biased", prior=GRADES, ratings="biased"),
    Mix("ratings, wide", prior=GRADES, ratings="wide"),
    Mix("ratings, biased, 3 answers", prior=GRADES, ratings="biased", answers=(3, 3)),
)
