"""What data sets of annotations call their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steps.labels.annotations import ANNOTATOR, GOLD, ITEM, LABEL

NAMES: Mapping[str, tuple[str, ...]] = {
    ITEM: (ITEM, "question", "task", "item_id", "record_id", "question_id", "task_id", "example_id", "id"),
    ANNOTATOR: (
        *(ANNOTATOR, "worker", "rater", "labeler", "labeller", "user", "judge"),
        *("annotator_id", "worker_id", "rater_id", "user_id"),
    ),
    LABEL: (LABEL, "answer", "response", "vote", "rating", "value", "annotation"),
    GOLD: (GOLD, "truth", "gold_label", "true_label"),
}
"""The likeliest first, in small letters."""


def usual_column(ours: str, present: Iterable[str], names: Iterable[str] = ()) -> str | None:
    """The column of a file that is called as ours or as others usually call it, in whichever letters; None where none is.

    `names`: other names to look for instead.

    >>> usual_column("item", ["Worker", "Task", "id"])
    'Task'
    """
    columns = list(present)
    if ours in columns:
        return ours
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in names or NAMES[ours] if name in by_name), None)
