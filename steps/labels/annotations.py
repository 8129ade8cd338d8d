"""What an annotation is: somebody's answer to one question about one item, and where it came from.

In rows an annotation is a row of its own. `item`, `annotator` and `label` are needed; the other columns are used where a row
has them. An annotator is a person, an LLM with its prompt, or a template: each is measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import xxhash
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from steps.base import Row, is_missing, require_values
from steps.errors import RowError
from steps.labels.keys import key_of
from steps.labels.questions import Question
from steps.wording import quoted

AnnotatorKind = Literal["human", "llm", "template"]
"""Who answers: a person, a language model, or a rule that needs neither."""

ITEM: Final = "item"
ANNOTATOR: Final = "annotator"
LABEL: Final = "label"
GOLD: Final = "gold"
"""The answer that is known to be right, where one is: the same in all rows of an item."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it is no text")
    return value


def _name(value: Any) -> str:
    if not _text(value).strip():
        raise ValueError("it is blank")
    return str(value)


def _sureness(value: Any) -> Any:
    """A confidence; "nan" in a file is what NaN is in a data frame: none."""
    return None if is_missing(value) or (isinstance(value, str) and value.strip().lower() == "nan") else value


Text = Annotated[str, PlainValidator(_text, json_schema_input_type=str)]
"""Any text that rows may hold, also with characters that are no Unicode, which pydantic would refuse."""
Name = Annotated[str, PlainValidator(_name, json_schema_input_type=str)]


MOST_ROUNDS: Final = 1_000_000


class Annotation(BaseModel):
    """One answer of one annotator about one item, in one round.

    `label` is what a question of its type takes (`steps.labels.questions`): a label, several, a rating, a ranking, spans, or a
    text. `confidence` is the annotator's own, between 0 and 1. `family` names annotators that may err together, such as LLMs of
    one maker. `source` says where the answer is kept: an address of a record, or a run and row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    item: Name
    annotator: Name
    label: Any
    kind: AnnotatorKind = "human"
    family: Text = ""
    confidence: Annotated[float | None, BeforeValidator(_sureness)] = Field(default=None, ge=0, le=1)
    explanation: Text = ""
    timestamp: datetime | None = None
    round: int = Field(default=1, ge=1, le=MOST_ROUNDS)
    source: Text = ""
    annotation_id: Text = ""
    """Empty for `stable_id`: an annotator answers once in a round about a subject, and a later answer replaces the first."""

    def id_for(self, question: Question) -> str:
        """Its id: the one that it came with, else one by what it is about."""
        return self.annotation_id or stable_id(subject_of(self.item, self.label, question), self.annotator, self.round)

    def row(self, question: Question) -> Row:
        """The annotation as columns; those without a value are there too, so that all rows have the same."""
        at = self.timestamp.isoformat() if self.timestamp else None
        return {**self.model_dump(), "timestamp": at, "annotation_id": self.id_for(question)}


COLUMNS: Final = tuple(Annotation.model_fields)
"""The columns of an annotation, as rows have them."""


def subject_of(item: str, label: Any, question: Question) -> str:
    """What an answer is about: the item, or the things of it that are ranked. Rankings of other things are other answers."""
    return key_of([item, *sorted(label)]) if question.type == "ranking" else item


def stable_id(subject: str, annotator: str, round_number: int) -> str:
    """The id of an answer that has none: 16 hex digits, the same whenever it is read again."""
    return xxhash.xxh3_64_hexdigest(key_of((subject, annotator, str(round_number))).encode("utf-8", "surrogatepass"))


def annotation_in(row: Mapping[str, Any]) -> Annotation:
    """The annotation that a row holds. Numbers are taken as names of items and annotators.

    Raises:
        MissingKey, MissingValue: It has no item, annotator or label.
        RowError: A column holds something that an annotation cannot have.
    """
    require_values(dict(row), [ITEM, ANNOTATOR, LABEL])
    given = {column: row[column] for column in COLUMNS if column in row and not is_missing(row[column])}
    for column in (ITEM, ANNOTATOR):
        given[column] = name_of(given[column])
    try:
        return Annotation.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        column = str(wrong["loc"][0]) if wrong["loc"] else LABEL
        why = wrong["msg"].removeprefix("Value error, ")
        what = f"column {column!r} holds {quoted(row.get(column))}, which an annotation cannot have: {why}"
        raise RowError(what, "mend the column, or give it another name with `input_mappings`") from None


def name_of(value: Any) -> Any:
    """An id as text: files give whole numbers, and data frames give them a point."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return str(int(value)) if isinstance(value, int) or value.is_integer() else str(value)
