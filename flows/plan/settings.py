"""Parameters that decide which columns a step needs: another of their values may make do with those that are there."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from flows.plan.kinds import Kind, fits, kind_needed
from steps.base import BaseStep


def setting_that_does(step: BaseStep, missing: str, received: Collection[str], kinds: Mapping[str, Kind]) -> str | None:
    """The parameter and the value, as YAML has them, with which the step needs no more than it receives."""
    for name, value in _other_values(step):
        tried = step.model_copy(update={name: value})
        needed = tried.needs()
        present = {column: tried.input_mappings.get(column, column) for column in needed}
        if missing not in needed and all(
            name in received and fits(kind_needed(tried, column), kinds.get(name)) for column, name in present.items()
        ):
            return f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
    return None


def _other_values(step: BaseStep) -> Iterator[tuple[str, Any]]:
    """Each parameter with few values, and each value that it does not have."""
    for name, field in type(step).model_fields.items():
        if name in step.PLACEMENT:
            continue
        kind = field.annotation
        values = (True, False) if kind is bool else typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
        yield from ((name, value) for value in values if value != getattr(step, name, None))
