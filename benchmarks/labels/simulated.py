"""Simulated crowds: every strategy on every mix, and where one falls below the majority."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.labels.crowds import SIMPLE, Score, markdown, posterior_of, scored, short
from benchmarks.labels.mixes import Mix

GOLD = (0.0, 0.01, 0.05)
SHOWN = ("majority", "best simple", "learned", "auto")
ALLOWED = 0.005
"""How far below the majority a strategy may fall, in accuracy."""


@dataclass(frozen=True)
class Setting:
    """How strategies did on a mix with some gold: means over seeds, of items that were not told."""

    mix: str
    gold: float
    scores: dict[str, Score]

    @property
    def shown(self) -> list[Score]:
        """In the order of SHOWN; the best simple one is that with the highest accuracy."""
        best = max((self.scores[name] for name in SIMPLE), key=lambda score: score.accuracy)
        return [self.scores["majority"], best, self.scores["learned"], self.scores["auto"]]

    def falls_below(self, name: str) -> bool:
        """Whether a strategy is clearly worse than the majority."""
        return self.gain(name) < -ALLOWED

    def gain(self, name: str) -> float:
        """How much more accurate a strategy is than the majority."""
        return self.scores[name].accuracy - self.scores["majority"].accuracy


def run(mixes: Sequence[Mix], golds: Sequence[float], seeds: int) -> list[Setting]:
    """All strategies on all mixes."""
    names, settings = ("majority", *SIMPLE, "learned", "auto"), []
    for mix in mixes:
        crowds = [mix.draw(seed) for seed in range(seeds)]
        for gold in golds:
            told = [crowd.with_gold(gold, seed) for seed, crowd in enumerate(crowds)]
            scores = {
                name: Score.mean([scored(one, posterior_of(name, one), with_gold=False) for one in told]) for name in names
            }
            settings.append(Setting(mix.name, gold, scores))
        print(mix.name, file=sys.stderr, flush=True)
    return settings


def table(settings: Sequence[Setting]) -> str:
    """A line for each setting: majority, best simple one, learned, auto, side by side."""
    head = ["mix", "gold", *(f"{what}: {' / '.join(SHOWN)}" for what in ("accuracy", "ECE", "errors found"))]
    rows = []
    for setting in settings:
        columns = [
            " / ".join(short(getattr(score, measure)) for score in setting.shown)
            for measure in ("accuracy", "calibration_error", "review_gain")
        ]
        rows.append([setting.mix, f"{setting.gold:.0%}", *columns])
    return markdown(head, rows)


def verdict(settings: Sequence[Setting]) -> str:
    """For how many settings learned or auto fall below the majority, and which."""
    lines = []
    for name in ("learned", "auto"):
        below = [setting for setting in settings if setting.falls_below(name)]
        told = "".join(f"\n  - {setting.mix}, {setting.gold:.0%} gold: {setting.gain(name):+.3f}" for setting in below)
        lines.append(f"- {name}: more than half a point below majority in {len(below)} of {len(settings)} settings{told}")
    return "\n".join(lines)
