"""How answers are drawn: those that praise green, those that blame red, those between yellow, all others grey."""

from __future__ import annotations

from typing import Any, Literal

from flows.labelling.onboarding import in_words
from steps.labels.questions import QuestionType

Tone = Literal["done", "warn", "fail", ""]

GOOD = {"correct", "right", "yes", "true", "good", "positive", "accept", "accepted", "pass", "passed", "safe", "relevant"}
GOOD |= {"helpful", "agree", "valid", "ok"}
BAD = {"wrong", "incorrect", "no", "not", "false", "bad", "negative", "reject", "rejected", "fail", "failed", "unsafe"}
BAD |= {"irrelevant", "unhelpful", "disagree", "invalid"}
BETWEEN = {"partly", "partial", "partially", "neutral", "maybe", "mixed", "unsure", "unclear", "borderline", "mediocre"}


def tone_of(label: str) -> Tone:
    """The tone of a label, by its words."""
    words = set(label.lower().replace("_", " ").replace("-", " ").split())
    if words & BETWEEN:
        return "warn"
    if words & BAD:
        return "fail"
    return "done" if words & GOOD else ""


def answer_of(label: Any, question: QuestionType) -> dict[str, Any]:
    """An answer in words, with its tone."""
    words = in_words(label, question)
    return {"words": words, "tone": tone_of(words)}
