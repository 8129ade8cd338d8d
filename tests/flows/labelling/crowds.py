"""Made-up crowds for tests: annotators who are right as often as they are said to be."""

from __future__ import annotations

import random
from typing import Any

LABELS = ("correct", "partly", "wrong")
UNSURE = (0.9, 0.75, 0.7, 0.65, 0.5)
"""How often annotators are right who leave many items open."""


def crowd(
    items: int = 60, *, right: tuple[float, ...] = (0.95, 0.85, 0.8, 0.7, 0.6), gold: float = 0.0, seed: int = 3
) -> list[dict[str, Any]]:
    """Annotations of items whose truth is known; a share of them has it as gold. The last annotator is an LLM."""
    rng = random.Random(seed)
    rows = []
    for item in range(items):
        truth = rng.choice(LABELS)
        is_known = rng.random() < gold
        for at, rate in enumerate(right):
            label = truth if rng.random() < rate else rng.choice([one for one in LABELS if one != truth])
            is_llm = at == len(right) - 1
            rows.append(
                {
                    "item": f"q{item}",
                    "annotator": "llm: judge" if is_llm else f"ann-{at}",
                    "kind": "llm" if is_llm else "human",
                    "label": label,
                    "explanation": f"looks {label}" if at == 0 else "",
                    "instruction": f"Question number {item} about {('rivers', 'stars', 'bread')[item % 3]}",
                    "topic": ("rivers", "stars", "bread")[item % 3],
                    **({"gold": truth} if is_known else {}),
                }
            )
    return rows
