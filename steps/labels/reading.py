"""What a row tells: who said what about which item, the answer that is known to be right, and what else there is of the item.

Whoever takes rows in reads them here, so that a row which one refuses is refused by all, in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from steps.base import Row, is_missing
from steps.errors import RowError
from steps.labels.annotations import ANNOTATOR, COLUMNS, GOLD, ITEM, LABEL, Annotation, AnnotatorKind, annotation_in, name_of
from steps.labels.questions import Question
from steps.wording import quoted

Keep = Callable[[Annotation], bool]
"""Whether an annotation counts."""
OWN: Final = frozenset((*COLUMNS, GOLD))
_NEEDED: Final = (ITEM, ANNOTATOR, LABEL)
_REST: Final = frozenset(COLUMNS).difference(_NEEDED)


def is_plain(row: Mapping[str, Any]) -> bool:
    """Whether a row has names and a label that are texts, and no other column of an annotation: most rows of large files."""
    for column in _NEEDED:
        value = row.get(column)
        if type(value) is not str or not value.strip():
            return False
    return _REST.isdisjoint(row)


def read_annotation(row: Mapping[str, Any], question: Question, keep: Keep | None = None) -> Annotation:
    """The annotation of a row, its label in the form that the question has; of one that does not count as it stands.

    Raises:
        MissingKey, MissingValue, RowError: The row holds none, or an answer that the question does not take.
    """
    annotation = annotation_in(row)
    if keep is not None and not keep(annotation):
        return annotation
    return annotation.model_copy(update={LABEL: question.read(annotation.label)})


def read_item(row: Mapping[str, Any]) -> str:
    """The item of a row that may hold no answer about it.

    Raises:
        RowError: It names none.
    """
    item = name_of(row.get(ITEM))
    if not isinstance(item, str) or not item.strip():
        raise RowError("it names no item", f"give a column {ITEM!r}")
    return item


def read_gold(row: Mapping[str, Any], question: Question) -> Any:
    """The answer that is known to be right; None where the row has none.

    Raises:
        RowError: The question does not take it.
    """
    return None if is_missing(row.get(GOLD)) else question.read(row[GOLD], GOLD)


def about_item(row: Mapping[str, Any]) -> Row:
    """The columns of a row that are no annotation's: those of its item."""
    return {column: value for column, value in row.items() if column not in OWN}


def know_gold(known: dict[str, Any], item: str, answer: Any) -> None:
    """Take in a gold answer.

    Raises:
        RowError: The item has another one already.
    """
    if known.setdefault(item, answer) != answer:
        what = f"item {item!r} has two gold answers: {quoted(known[item])} and {quoted(answer)}"
        raise RowError(what, "give all rows of an item the same one")


def check_kind(annotator: str, kind: AnnotatorKind, known: AnnotatorKind) -> None:
    """
    Raises:
        RowError: The annotator is known to be of another kind.
    """
    if kind != known:
        what = f"annotator {annotator!r} is of kind {kind!r} here, and {known!r} elsewhere"
        raise RowError(what, "give them different names, such as 'llm: ...'")


def in_row(number: int, error: RowError) -> RowError:
    """The error, with the row that is wrong."""
    return type(error)(f"row {number}: {error.message}", error.fix)
