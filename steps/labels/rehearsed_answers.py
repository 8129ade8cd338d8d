"""Answers of a panel that are made up for a rehearsal: judges agree more often than by chance, some more than others.

The item decides which answer is likely, and how plain the case is; the judge's name decides how often it sees that. What is
consolidated of such answers then has something to find out: good judges and weak ones, clear cases and doubtful ones.
"""

from __future__ import annotations

from random import Random
from typing import Any

from steps.chances import chances
from steps.labels.answers import ANSWER, CONFIDENCE, EXPLANATION, Form
from steps.labels.questions import rating_of
from steps.tasks.rehearsing import rehearse_text

WORST, BEST = 0.72, 0.98
"""How often judges give the likely answer of a plain case."""
PLAIN, DOUBTFUL = 0.75, 0.65
"""Share of items that are plain; in the others judges do it so much less often."""

UNSURE, SURE, WIDE = 0.4, 0.5, 0.5
"""Where confidences begin: of answers that are doubtful or wrong, and of the others; and how wide they lie. They overlap for
the most part, as those of people and models do: else what is learned of them would make nearly all labels certain."""


def rehearsed_reply(form: Form, item: str, judge: str, text: str, rng: Random) -> dict[str, Any]:
    """A reply of this judge about this item, as the JSON that was asked for. `text`: what spans are quoted from."""
    about = chances(0, {"item": item, "title": form.question.title, "labels": form.question.labels})
    is_plain = about.random() < PLAIN
    skill = chances(0, {"judge": judge}).uniform(WORST, BEST) * (1.0 if is_plain else DOUBTFUL)
    likely = _drawn(form, about, text)
    keeps = rng.random() < skill
    reply: dict[str, Any] = {ANSWER: likely if keeps else _other(form, likely, rng, text)}
    if form.explains:
        reply = {EXPLANATION: rehearse_text(rng), **reply}
    if form.asks_confidence:
        low = SURE if keeps and is_plain else UNSURE
        reply[CONFIDENCE] = round(rng.uniform(low, low + WIDE), 2)
    return reply


def _drawn(form: Form, rng: Random, text: str) -> Any:
    labels = form.question.labels
    match form.question.type:
        case "label":
            return rng.choice(labels)
        case "multi_label":
            return [label for label in labels if rng.random() < 0.4]
        case "rating":
            return rating_of(rng.choice(labels))
        case "ranking":
            return rng.sample(labels, len(labels))
        case "spans":
            words = text.split()
            chosen = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(0, 2))))
            return [{"quote": words[at], "label": rng.choice(labels)} for at in chosen]
        case "text":
            return rehearse_text(rng)


def _other(form: Form, likely: Any, rng: Random, text: str) -> Any:
    """An answer that a judge gives who does not see the likely one; where answers have an order, one beside it."""
    labels = form.question.labels
    match form.question.type:
        case "label":
            return rng.choice([label for label in labels if label != likely] or labels)
        case "multi_label":
            flipped = rng.choice(labels)
            return [label for label in labels if (label in likely) != (label == flipped)]
        case "rating":
            at = [rating_of(label) for label in labels].index(likely)
            near = [one for one in (at - 1, at + 1) if 0 <= one < len(labels)]
            return rating_of(labels[rng.choice(near)]) if near else likely
        case "ranking":
            at = rng.randrange(len(likely) - 1)
            return [*likely[:at], likely[at + 1], likely[at], *likely[at + 2 :]]
    return _drawn(form, rng, text)
