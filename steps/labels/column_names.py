"""What data sets of annotations call their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from steps.labels.annotations import ANNOTATOR, GOLD, ITEM, LABEL

NAMES: Mapping[str, tuple[str, ...]] = {
    ITEM: (ITEM, "item_id", "record_id", "question_id", "task_id", "example_id", "question", "task", "id"),
    ANNOTATOR: (
        *(ANNOTATOR, "worker", "rater", "labeler", "labeller", "user", "judge"),
        *("annotator_id", "worker_id", "rater_id", "user_id", "annotator_name", "coder", "reviewer"),
    ),
    LABEL: (
        LABEL,
        "answer",
        "response",
        "vote",
        "rating",
        "value",
        "annotation",
        "judgement",
        "judgment",
        "choice",
        "category",
    ),
    GOLD: (GOLD, "truth", "gold_label", "true_label"),
}
"""The likeliest first, in small letters: an id before what may be a text."""


def usual_column(ours: str, present: Iterable[str], names: Iterable[str] = ()) -> str | None:
    """The column of a file that is called as ours or as others usually call it, in whichever letters; None where none is.

    `names`: other names to look for instead.

    >>> usual_column("item", ["Worker", "Task", "id"])
    'Task'
    """
    columns = list(present)
    if ours in columns:
        return ours
    by_name = {_plain(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names or NAMES[ours] if name in by_name), None)


def nearly(ours: str, present: Iterable[str]) -> str | None:
    """A column that is one of ours, and misspelt; None where none is.

    >>> nearly("annotator", ["Anotator", "annotation"])
    'Anotator'
    """
    known = {name for names in NAMES.values() for name in names}
    likeness = (
        (column, SequenceMatcher(None, _plain(column), ours).ratio()) for column in present if _plain(column) not in known
    )
    return next((column for column, ratio in likeness if ratio >= ALIKE), None)


def _plain(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")


ALIKE = 0.85
"""How alike a misspelt name is at least: "annotations" are no annotator."""
