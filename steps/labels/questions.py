"""What annotators are asked: one question about each item, and the answers that it takes.

The types are Argilla's, by the same names: a label, several labels, a rating, a ranking, spans of a text, or free text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from steps.errors import RowError
from steps.json_texts import json_in
from steps.wording import did_you_mean, listed, quoted

QuestionType = Literal["label", "multi_label", "rating", "ranking", "spans", "text"]


def _as_written(label: Any) -> Any:
    """Ratings may be given as numbers: `labels: [1, 2, 3]`."""
    return label_text(label) if isinstance(label, (int, float)) and not isinstance(label, bool) else label


class Question(BaseModel):
    """One question about each item.

    `labels` are the answers to choose from (`label`, `multi_label`, `spans`), the things to rank (`ranking`), or the ratings,
    from lowest to highest (`rating`). Empty for those that annotations bring.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: QuestionType = "label"
    title: str = "Which label fits?"
    guideline: str = ""
    labels: list[Annotated[str, BeforeValidator(_as_written)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_its_labels_once(self) -> Question:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("`labels` names one twice")
        if self.type == "rating":
            for label in self.labels:
                number_in(label)
        return self

    def read(self, value: Any, column: str = "label") -> Any:
        """An answer in the form that this type has: text, list of texts, number, list from best to worst, list of spans.

        Numbers and truth values that stand for labels become text, as in files. A ranking may be given as texts from best to
        worst, as `[{"value": ..., "rank": ...}]`, or, of two things, as `{"better": ..., "worse": ...}`. Lists may be texts of
        JSON, as in a cell of a CSV file. `column`: its place.

        Raises:
            RowError: It says what an answer of this type looks like.
        """
        try:
            return self.parse(value)
        except ValueError as error:
            seen = f"column {column!r} holds {quoted(value)}, no answer to a question of type {self.type!r}: {error}"
            raise RowError(seen, self.form) from None

    def parse(self, value: Any) -> Any:
        """An answer as `read` gives it, wherever it comes from.

        Raises:
            ValueError: It says what is wrong with it.
        """
        return _READERS[self.type](_from_cell(value, self.labels) if self.type in _LISTS else value, self.labels)

    @property
    def form(self) -> str:
        """What an answer looks like, as an order; with the question's own labels where it names some."""
        return _FORMS[self.type](self.labels)


def label_text(value: Any) -> str:
    """A label as text: 1 and 1.0 are one label, and True is "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and not math.isnan(value):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError("a label is a text, a number, true or false")


def names_in(label: Any) -> Iterator[str]:
    """The labels that an answer is made of."""
    if isinstance(label, list):
        for one in label:
            yield label_text(one["label"] if isinstance(one, dict) else one)
    elif label is not None:
        yield label_text(label)


def number_in(value: Any) -> float:
    """A rating as a number."""
    if isinstance(value, bool):
        raise ValueError(f"{quoted(value)} is no number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{quoted(value)} is no number") from None
    if not math.isfinite(number):
        raise ValueError("a rating is a finite number")
    return number


def _part(value: Any, name: str) -> Any:
    """What a part of an answer has under a name."""
    if not isinstance(value, dict) or name not in value:
        raise ValueError(f"{quoted(value)} has no {name!r}")
    return value[name]


def _is_list(value: Any) -> bool:
    """Whether it has one thing after the other, as arrays of data frames have too."""
    return isinstance(value, Iterable) and not isinstance(value, (str, dict))


def _from_cell(value: Any, labels: list[str]) -> Any:
    """An answer of several parts: a text that begins as JSON does is read as such, unless it is the name of a label."""
    if not isinstance(value, str) or value.strip() in labels or not value.strip().startswith(("[", "{")):
        return value
    try:
        return json_in(value)
    except ValueError:
        raise ValueError("it begins like JSON, and is none (texts stand in double quotes there)") from None


def _known(label: str, labels: list[str]) -> str:
    if labels and label not in labels:
        raise ValueError(f"it has {listed(map(repr, labels))}, not {label!r}.{did_you_mean(label, labels)}")
    return label


def _label(value: Any, labels: list[str]) -> str:
    return _known(label_text(value), labels)


def _labels(value: Any, labels: list[str]) -> list[str]:
    chosen = value if isinstance(value, (list, tuple, set)) else [value]
    return _few(list(dict.fromkeys(_known(label_text(label), labels) for label in chosen)), MOST_PARTS)


def rating_of(value: Any) -> int | float:
    """A rating as a number: 4, not 4.0."""
    number = number_in(value)
    return int(number) if number.is_integer() else number


def _rating(value: Any, labels: list[str]) -> int | float:
    number = rating_of(value)
    if labels and number not in {number_in(label) for label in labels}:
        raise ValueError(f"ratings are {listed(labels)}")
    return number


def _ranking(value: Any, labels: list[str]) -> list[str]:
    if isinstance(value, dict):
        ranked = [label_text(_part(value, name)) for name in ("better", "worse")]
    elif not _is_list(value):
        raise ValueError("a ranking is a list")
    elif all(isinstance(one, dict) for one in value):
        ranked = [label_text(_part(one, "value")) for one in sorted(value, key=lambda one: number_in(_part(one, "rank")))]
    else:
        ranked = [label_text(one) for one in value]
    if len(ranked) < 2 or len(set(ranked)) < len(ranked):
        raise ValueError("a ranking names at least two things, each once")
    return _few([_known(name, labels) for name in ranked], MOST_RANKED)


MOST_CHARACTERS = 2**31
MOST_PARTS, MOST_RANKED = 500, 100
"""Labels or spans of one answer, and things in one ranking: each pair of these is weighed."""


def _few(parts: list[Any], most: int) -> list[Any]:
    if len(parts) > most:
        raise ValueError(f"it has {len(parts):,} parts, of at most {most}")
    return parts


def _place(value: Any) -> int:
    """Where a span begins or ends: a whole number of characters."""
    number = number_in(value)
    if not number.is_integer() or number > MOST_CHARACTERS:
        raise ValueError("a span begins and ends at a whole number of characters")
    return int(number)


def _spans(value: Any, labels: list[str]) -> list[dict[str, Any]]:
    if not _is_list(value):
        raise ValueError("spans are a list")
    spans = []
    for span in value:
        start, end = (_place(_part(span, name)) for name in ("start", "end"))
        if not 0 <= start < end:
            raise ValueError("a span ends after its start")
        spans.append({"start": start, "end": end, "label": _known(label_text(_part(span, "label")), labels)})
    return sorted(_few(spans, MOST_PARTS), key=lambda span: (span["start"], span["end"], span["label"]))


def _text(value: Any, labels: list[str]) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it is a text")
    return value


_READERS: dict[QuestionType, Any] = {
    "label": _label,
    "multi_label": _labels,
    "rating": _rating,
    "ranking": _ranking,
    "spans": _spans,
    "text": _text,
}
_LISTS: frozenset[QuestionType] = frozenset(("multi_label", "ranking", "spans"))


def _shown(example: Any) -> str:
    """An example of a list, as files have it; steps of Python may have lists."""
    return f"{json.dumps(example, ensure_ascii=False)} (in a cell of a CSV file too)"


_FORMS: dict[QuestionType, Callable[[list[str]], str]] = {
    "label": lambda labels: f"give one label, such as {(labels or ['good'])[0]!r}",
    "multi_label": lambda labels: f"give a list of labels, such as {_shown(labels[:2] or ['tone', 'format'])}; [] for none",
    "rating": lambda labels: f"give a number, such as {(labels or ['4'])[-1]}",
    "ranking": lambda labels: f"give a list from best to worst, such as {_shown(labels[:3] or ['b', 'a'])}",
    "spans": lambda labels: (
        f"give a list of spans, such as {_shown([{'start': 0, 'end': 6, 'label': (labels or ['error'])[0]}])}; [] for none"
    ),
    "text": lambda labels: "give a text",
}
