"""What columns hold, one value, a list or a chat: so that no column is offered for another that it cannot stand for."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from itertools import islice
from typing import Any, Literal

from steps.base import METADATA, BaseStep, Row
from steps.columns.group_columns import GroupColumns
from steps.misfits import declared
from steps.sources.data_sampler import DataSampler
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.tasks.base import Task
from steps.tasks.image_generation import ImageGeneration

Kind = Literal["single", "list", "chat"]
MOST_ROWS = 1000
"""Rows of a source that are looked at."""

LISTS = frozenset(
    {
        "annotation_ids",
        "candidates",
        "conflicts",
        "conversations",
        "deita_score_computed_with",
        "embedding",
        "errs_with",
        "execution_result",
        "generation_models",
        "generations",
        "instructions",
        "nn_indices",
        "nn_scores",
        "projection",
        "ranked_candidates",
        "ranks",
        "ratings",
        "rationales",
        "responses",
        "scores",
        "solutions",
    }
)
"""Columns that hold a list in every step of ours that declares them."""
CHATS = frozenset({"chosen", "conversation", "messages", "rejected"})
"""Columns that hold messages in every step of ours that declares them."""
EITHER = frozenset({"annotations", "answers", "completion", "golden_solution", "label", "labels", "prompt", "query"})
"""Columns that hold this or that, by the step or its parameters. All others hold one value."""


def kind_needed(step: BaseStep, column: str) -> Kind | None:
    """What a column that a step needs has to hold, by the name that the step uses; None where nobody knows."""
    return _by_name(step, column) if parameter_with(column, step) is None else None


def kind_made(step: BaseStep, column: str) -> Kind | None:
    """What a column that a step makes holds, by the name that the step uses; None where nobody knows."""
    if isinstance(step, LoadDataFromDicts):
        return _of_values(step.data, column)
    if isinstance(step, (GroupColumns, DataSampler)):
        return "list"
    if isinstance(step, (Task, ImageGeneration)):
        if column in ("model_name", METADATA):
            return "single"
        if step.group_generations:
            return "list"
    if isinstance(step, Task) and step.Answer is not None and (field := step.Answer.model_fields.get(column)):
        return _of_type(field.annotation)
    return _by_name(step, column) if column in declared(type(step), "outputs") else None


def parameter_with(column: str, step: BaseStep) -> str | None:
    """The parameter in which the user named this column, if the step needs it for no other reason."""
    if column in step.inputs or column in step.input_mappings:
        return None
    for name in step.model_fields_set - step.PLACEMENT:
        value = getattr(step, name)
        if value == column if isinstance(value, str) else isinstance(value, (list, tuple, dict)) and column in value:
            return name
    return None


def fits(needed: Kind | None, there: Kind | None) -> bool:
    """Whether one may stand for the other, as far as anybody knows."""
    return needed is None or there is None or needed == there


def _by_name(step: BaseStep, column: str) -> Kind | None:
    """What a column of one of our steps holds, which has the same names for the same things."""
    if not type(step).__module__.startswith("steps.") or column in EITHER:
        return None
    return "list" if column in LISTS else "chat" if column in CHATS else "single"


def _of_values(rows: Iterable[Row], column: str) -> Kind | None:
    kinds = {_of_value(row[column]) for row in islice(rows, MOST_ROWS) if row.get(column) is not None}
    return kinds.pop() if len(kinds) == 1 else None


def _of_value(value: Any) -> Kind:
    if not isinstance(value, list):
        return "single"
    return "chat" if value and all(isinstance(turn, dict) and "role" in turn for turn in value) else "list"


def _of_type(annotation: Any) -> Kind | None:
    options = typing.get_args(annotation) if typing.get_origin(annotation) in (typing.Union, types.UnionType) else (annotation,)
    found = {typing.get_origin(one) or one for one in options if one is not type(None)}
    if found == {list}:
        return "list"
    return "single" if found and found <= {str, int, float, bool, Literal} else None
