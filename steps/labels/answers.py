"""Answers of judges to a question: the JSON that they are asked for, and what it says.

A model is never asked for positions in a text, which it cannot count: it quotes, and the quote is looked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from steps.errors import RowError
from steps.json_texts import json_in
from steps.labels.questions import Question, number_in, rating_of
from steps.llms.base import JSONSchema
from steps.tasks.lenient_json import Found
from steps.tasks.replies import Unfit, fitting
from steps.wording import listed, quoted

ANSWER, EXPLANATION, CONFIDENCE = "answer", "explanation", "confidence"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said, in the form that the question has for it."""

    label: Any
    explanation: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """The form in which a judge answers a question."""

    question: Question
    explains: bool = False
    asks_confidence: bool = False

    def schema(self) -> JSONSchema:
        """JSON schema of a reply. The reason comes first: a model that has to give one decides after it."""
        fields: dict[str, JSONSchema] = {}
        if self.explains:
            fields[EXPLANATION] = {"type": "string", "minLength": 1, "description": "The reason, in a sentence or two."}
        fields[ANSWER] = self._answer_schema()
        if self.asks_confidence:
            sure = "How sure you are that most experts would agree: 0 is a guess, 1 is beyond doubt."
            fields[CONFIDENCE] = {"type": "number", "minimum": 0, "maximum": 1, "description": sure}
        return {
            "title": "Judgement",
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }

    def _answer_schema(self) -> JSONSchema:
        labels = self.question.labels
        one: JSONSchema = {"type": "string", "enum": labels}
        match self.question.type:
            case "label":
                return one
            case "multi_label":
                return {"type": "array", "items": one, "minItems": 0, "maxItems": len(labels), "uniqueItems": True}
            case "rating":
                return {"type": "number", "enum": list(map(rating_of, labels))}
            case "ranking":
                every: JSONSchema = {"minItems": len(labels), "maxItems": len(labels), "uniqueItems": True}
                return {"type": "array", "items": one, **every, "description": "All of them, from best to worst."}
            case "spans":
                quote = {"type": "string", "minLength": 1, "description": "The passage, copied letter by letter."}
                span = {"type": "object", "properties": {"quote": quote, "label": one}, "required": ["quote", "label"]}
                return {"type": "array", "items": {**span, "additionalProperties": False}, "minItems": 0, "maxItems": 50}
            case "text":
                return {"type": "string", "minLength": 1}

    def read(self, reply: str, text: str = "") -> Answer:
        """What a reply says. `text`: where its quotes are looked for.

        Raises:
            BadReply: It is not in this form, or quotes what is not there.
        """
        return fitting(reply, self._fit(text))

    def _fit(self, text: str) -> Callable[[Found], Answer]:
        def fit(found: Found) -> Answer:
            said = found.value if isinstance(found.value, dict) else {ANSWER: found.value}
            if ANSWER not in said:
                raise Unfit(f"it has no {ANSWER!r}")
            if found.is_mended and (odd := said.keys() - {ANSWER, EXPLANATION, CONFIDENCE}):
                raise Unfit(f"it has {listed(sorted(map(repr, odd)))}")
            return Answer(self._label(said[ANSWER], text), self._explanation(said), self._confidence(said))

        return fit

    def _explanation(self, said: dict[str, Any]) -> str:
        given = said.get(EXPLANATION)
        if self.explains and not (isinstance(given, str) and given.strip()):
            raise Unfit(f"{EXPLANATION!r} is no text: {quoted(given)}")
        return given.strip() if self.explains and isinstance(given, str) else ""

    def _confidence(self, said: dict[str, Any]) -> float | None:
        if not self.asks_confidence:
            return None
        try:
            sure = number_in(said.get(CONFIDENCE))
        except (TypeError, ValueError):
            raise Unfit(f"{CONFIDENCE!r} is no number: {quoted(said.get(CONFIDENCE))}") from None
        if not 0 <= sure <= 1:
            raise Unfit(f"{CONFIDENCE!r} is {sure:g}, not between 0 and 1")
        return sure

    def _label(self, value: Any, text: str) -> Any:
        if self.question.type == "spans":
            value = spans_of(value, text)
        value = self._as_offered(value)
        try:
            label = self.question.parse(value)
        except ValueError as error:
            raise Unfit(f"{ANSWER!r} is {quoted(value)}: {error}; {self.question.form}") from None
        if self.question.type == "ranking" and len(label) < len(self.question.labels):
            missing = [name for name in self.question.labels if name not in label]
            raise Unfit(f"the ranking leaves out {listed(map(repr, missing))}")
        return label

    def _as_offered(self, value: Any) -> Any:
        """Labels as they were offered: upper and lower case, and spaces around, do not count."""
        if isinstance(value, list):
            return list(map(self._as_offered, value))
        if isinstance(value, dict) and "label" in value:
            return {**value, "label": self._as_offered(value["label"])}
        if not isinstance(value, str) or value in self.question.labels:
            return value
        alike = [label for label in self.question.labels if label.strip().casefold() == value.strip().casefold()]
        return alike[0] if len(alike) == 1 else value

    def of_rule(self, said: str, text: str = "") -> Any:
        """The answer that a template's text stands for: as it is, or as JSON where an answer has parts.

        Raises:
            RowError: It is no answer to this question.
        """
        try:
            value: Any = said
            if self.question.type in ("multi_label", "ranking", "spans"):
                value = json_in(said)
            if self.question.type == "spans" and any("quote" in span for span in value):
                value = spans_of(value, text)
            return self.question.parse(self._as_offered(value))
        except (ValueError, TypeError) as error:
            what = f"the template makes {quoted(said)}, no answer to a question of type {self.question.type!r}: {error}"
            raise RowError(what, self.question.form) from None


def spans_of(quotes: Any, text: str) -> list[dict[str, Any]]:
    """Where quoted passages stand in a text: start, end (behind the last letter) and label of each.

    A passage that is quoted twice with the same label is its first and its second occurrence. Of a passage that the text does
    not have letter by letter, white space and upper and lower case do not count.

    Raises:
        Unfit: The text does not have one of them.
    """
    if not isinstance(quotes, list):
        raise Unfit(f"spans are a list, not {quoted(quotes)}")
    seen: Counter[tuple[str, str]] = Counter()
    found: list[dict[str, Any]] = []
    for one in quotes:
        quote, label = (one.get("quote"), one.get("label")) if isinstance(one, dict) else (None, None)
        if not isinstance(quote, str) or not quote.strip():
            raise Unfit(f"a span has a `quote` and a `label`, not {quoted(one)}")
        seen[quote, str(label)] += 1
        places = _places(quote.strip(), text, seen[quote, str(label)])
        if not places:
            raise Unfit(f"the text does not have the passage {quoted(quote)}")
        start, end = places[-1]
        span = {"start": start, "end": end, "label": label}
        if span not in found:
            found.append(span)
    return found


def _places(quote: str, text: str, most: int) -> list[tuple[int, int]]:
    """Where a passage stands, up to so many times; none where the text does not have it."""
    places: list[tuple[int, int]] = []
    at = text.find(quote)
    while at >= 0 and len(places) < most:
        places.append((at, at + len(quote)))
        at = text.find(quote, at + len(quote))
    if places:
        return places
    loose = r"\s+".join(map(re.escape, quote.split()))
    return [match.span() for match in islice(re.finditer(loose, text, re.IGNORECASE), most)]
