"""Questions as Argilla asks them: their settings there, and answers in its form and in ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import Field

from steps.argilla.values import sendable
from steps.errors import RowError
from steps.labels.questions import Question, QuestionType, number_in
from steps.wording import listed, quoted

MOST_RATED: Final = 10
TYPES: Final[Mapping[QuestionType, str]] = {
    "label": "label_selection",
    "multi_label": "multi_label_selection",
    "rating": "rating",
    "ranking": "ranking",
    "spans": "span",
    "text": "text",
}
"""What Argilla calls the types of questions."""
OURS: Final = {theirs: ours for ours, theirs in TYPES.items()}
_LEAST_LABELS: Final[Mapping[QuestionType, int]] = {"label": 2, "multi_label": 2, "rating": 2, "ranking": 2, "spans": 1}


class ArgillaQuestion(Question):
    """One question about each record, as people see it in Argilla."""

    required: bool = Field(default=True, description="Whether a response must answer it.")
    field: str = Field(default="", description="Of spans: the field whose text is marked.")
    texts: dict[str, str] = Field(default_factory=dict, description="What people read in place of a label.")


class AskedQuestion(NamedTuple):
    """A question that a data set in Argilla has."""

    id: str
    name: str
    question: Question
    field: str = ""
    is_required: bool = True


def problems_of(name: str, question: ArgillaQuestion, fields: Mapping[str, Any]) -> Iterator[str]:
    """What Argilla would not take of a question."""
    where = f"question {name!r}"
    least = _LEAST_LABELS.get(question.type, 0)
    if len(question.labels) < least:
        yield f"{where} is of type {question.type!r} and needs at least {least} `labels`; it has {len(question.labels)}"
    if question.type == "text" and question.labels:
        yield f"{where} is a text, which has no `labels`"
    if question.type == "rating" and (odd := [one for one in question.labels if not _is_rating(one)]):
        yield f"{where} has ratings that Argilla does not know: {listed(odd)}; they are whole numbers from 0 to {MOST_RATED}"
    if question.type == "spans" and fields.get(question.field) != "text":
        yield f"{where} marks spans, so `field` must name a field that is a text; it says {question.field!r}"
    if question.type != "spans" and question.field:
        yield f"{where} has a `field`, which only spans need"
    if unknown := question.texts.keys() - set(question.labels):
        yield f"{where} has `texts` for labels that it does not have: {listed(sorted(unknown))}"


def settings_of(name: str, question: ArgillaQuestion) -> dict[str, Any]:
    """A question as Argilla is told of it."""
    settings: dict[str, Any] = {"type": TYPES[question.type]}
    if question.type == "rating":
        settings["options"] = [{"value": int(number_in(label))} for label in question.labels]
    elif question.type == "text":
        settings["use_markdown"] = False
    else:
        settings["options"] = [{"value": label, "text": question.texts.get(label, label)} for label in question.labels]
    if question.type == "spans":
        settings |= {"field": question.field, "allow_overlapping": True}
    told: dict[str, Any] = {"name": name, "title": question.title, "required": question.required, "settings": settings}
    return told | ({"description": question.guideline} if question.guideline else {})


def question_in(told: Mapping[str, Any]) -> AskedQuestion | None:
    """A question as Argilla tells of it; None for a type that is not known here."""
    settings = told["settings"]
    if (kind := OURS.get(settings["type"])) is None:
        return None
    labels = [str(option["value"]) for option in settings.get("options") or []]
    title, guideline = told.get("title") or told["name"], told.get("description") or ""
    question = Question(type=kind, title=title, guideline=guideline, labels=labels)
    return AskedQuestion(told["id"], told["name"], question, settings.get("field") or "", bool(told.get("required")))


def answer_for(question: Question, value: Any, column: str) -> Any:
    """An answer in the form that Argilla takes.

    Raises:
        RowError: It is no answer to the question, or one that Argilla does not take.
    """
    answer = question.read(value, column)
    if question.type == "rating":
        if not _is_rating(answer):
            what = f"column {column!r} holds the rating {quoted(value)}; Argilla's are whole numbers from 0 to {MOST_RATED}"
            raise RowError(what, "round it before this step")
        return int(answer)
    if question.type == "ranking":
        return [{"value": name, "rank": rank} for rank, name in enumerate(answer, 1)]
    if question.type == "multi_label" and not answer:
        raise RowError(f"column {column!r} holds no label at all, which Argilla does not take", "give a label for none")
    return sendable(answer) if question.type == "text" else answer


def _is_rating(value: Any) -> bool:
    number = number_in(value)
    return number.is_integer() and 0 <= number <= MOST_RATED
