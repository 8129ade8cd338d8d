"""The samples of a step with each choice that its parameters leave: what a list offers, and what is on or off."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from steps.base import BaseStep
from steps.tasks.base import Task
from tests.steps.samples.sample import Sample

_SHARED = BaseStep.model_fields.keys() | Task.model_fields.keys()


def with_choices(samples: list[Sample]) -> Iterator[tuple[str, Sample]]:
    """These samples, and each with one other choice, by what was chosen. Choices that do not fit together are left out."""
    seen = [sample.step for sample in samples]
    for sample in samples:
        yield "", sample
        step = type(sample.step)
        for field, info in step.model_fields.items():
            for choice in _choices(info.annotation) if field not in _SHARED else []:
                chosen = step.model_validate(sample.step.model_dump() | {field: choice})
                if chosen in seen or list(chosen.check()):
                    continue
                seen.append(chosen)
                fitting = [other for other in samples if set(chosen.needs()) <= set(other.row("hello"))]
                yield f"{field}={choice}", (sample if sample in fitting else fitting[0])._replace(step=chosen)


def _choices(annotation: Any) -> list[Any]:
    if annotation is bool:
        return [True, False]
    kind, inner = get_origin(annotation), get_args(annotation)
    if kind is Literal:
        return list(inner)
    if kind is Annotated:
        return _choices(inner[0])
    return [choice for one in inner for choice in _choices(one)] if kind in (Union, UnionType) else []
