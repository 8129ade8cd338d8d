"""What data sets of annotations call their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from steps.labels.annotations import ANNOTATOR, GOLD, ITEM, LABEL

NAMES: Mapping[str, tuple[str, ...]] = {
    ITEM: (
        *(
            ITEM,
            "item_id",
            "record_id",
            "question_id",
            "task_id",
            "example_id",
            "text_id",
            "sentence_id",
            "document_id",
            "doc_id",
        ),
        *(
            "sample_id",
            "instance_id",
            "comment_id",
            "post_id",
            "tweet_id",
            "image_id",
            "object_id",
            "pair_id",
            "unit_id",
            "hit_id",
        ),
        *("question", "task", "id"),
    ),
    ANNOTATOR: (
        *(ANNOTATOR, "worker", "rater", "labeler", "labeller", "user", "judge"),
        *("annotator_id", "worker_id", "rater_id", "user_id", "annotator_name", "coder", "reviewer"),
        *("labeler_id", "labeller_id", "judge_id", "coder_id", "reviewer_id", "respondent", "respondent_id"),
        *("participant", "participant_id", "performer", "turker", "assignment:worker_id"),
    ),
    LABEL: (
        *(LABEL, "answer", "response", "vote", "rating", "value", "annotation", "judgement", "judgment", "choice", "category"),
        *("grade", "score", "class", "answer.label", "output:result"),
    ),
    GOLD: (GOLD, "truth", "gold_label", "true_label", "ground_truth", "golden:result"),
}
"""The likeliest first: an id before what may be a text. Those with a colon or a point are of Toloka and Mechanical Turk."""


def usual_column(ours: str, present: Iterable[str], names: Iterable[str] = ()) -> str | None:
    """The column of a file that is called as ours or as others usually call it; None where none is.

    Letters may be large or small, and anything may stand between words.

    `names`: other names to look for instead.

    >>> usual_column("item", ["Worker", "Task", "id"])
    'Task'
    >>> usual_column("annotator", ["HITId", "WorkerId"])
    'WorkerId'
    """
    columns = list(present)
    if ours in columns:
        return ours
    by_name = {_plain(column): column for column in reversed(columns)}
    return next((by_name[plain] for name in names or NAMES[ours] if (plain := _plain(name)) in by_name), None)


def nearly(ours: str, present: Iterable[str]) -> str | None:
    """A column that is one of ours, and misspelt; None where none is.

    >>> nearly("annotator", ["Anotator", "annotation"])
    'Anotator'
    """
    known = {_plain(name) for names in NAMES.values() for name in names}
    likeness = (
        (column, SequenceMatcher(None, _plain(column), ours).ratio()) for column in present if _plain(column) not in known
    )
    return next((column for column, ratio in likeness if ratio >= ALIKE), None)


def _plain(column: str) -> str:
    return "".join(filter(str.isalnum, column.lower()))


ALIKE = 0.85
"""How alike a misspelt name is at least: "annotations" are no annotator."""
