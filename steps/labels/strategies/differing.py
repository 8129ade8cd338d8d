"""What changed from one strategy to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.labels.strategies.strategy import Strategy, Voice

WORTH_TELLING = 0.005
"""Changes of a number below this are not told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed. `what` is a setting, or "annotator ann: reliability"; None stands for what was not there."""

    what: str
    before: Any
    after: Any


def differences(before: Strategy, after: Strategy) -> list[Difference]:
    """What decides over labels and changed, settings first, then annotators by how much they changed."""
    found = []
    for name in ("name", "question", "classes", "overlap", "temperature"):
        was, now = getattr(before, name), getattr(after, name)
        if _is_other(was, now):
            found.append(Difference(name, was, now))
    for family in sorted({*before.families, *after.families}):
        pair = before.families.get(family), after.families.get(family)
        if _is_other(*pair):
            found.append(Difference(f"family {family}: errors in common", *pair))
    voices = [_of_voice(name, before, after) for name in {**before.voices, **after.voices}]
    told = sorted((one for one in voices if one is not None), key=lambda one: (-_size(one), one.what))
    for label in sorted({*before.parts, *after.parts}):
        if label in before.parts and label in after.parts:
            inner = differences(before.parts[label], after.parts[label])
            found += [Difference(f"{label}: {one.what}", one.before, one.after) for one in inner]
    return found + told


def reliability(strategy: Strategy, voice: Voice) -> float:
    """How often an annotator is right, as a strategy has learned it; what an answer counts, where it counts shares."""
    if not voice.confusion:
        return voice.weight
    return float(np.dot(strategy.prior, np.diagonal(np.array(voice.confusion))))


def _of_voice(name: str, before: Strategy, after: Strategy) -> Difference | None:
    pair = [
        round(reliability(strategy, strategy.voices[name]), 4) if name in strategy.voices else None
        for strategy in (before, after)
    ]
    return Difference(f"annotator {name}: reliability", *pair) if _is_other(*pair) else None


def _is_other(was: Any, now: Any) -> bool:
    if isinstance(was, float) and isinstance(now, float):
        return abs(was - now) >= WORTH_TELLING
    return bool(was != now)


def _size(one: Difference) -> float:
    return abs(one.after - one.before) if one.before is not None and one.after is not None else 1.0
