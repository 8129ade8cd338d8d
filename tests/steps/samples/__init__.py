"""For each registered step: one that is ready to work, and a row it accepts. A new step adds a line to its package's module."""

from __future__ import annotations

from typing import Any

import pytest

from steps.base import BaseStep, GlobalStep, JoinStep, Row
from tests.steps.samples import columns, filters, formats, samplers, sinks, sources, tasks, validators
from tests.steps.samples.sample import Sample, Samples

SAMPLES: Samples = {
    **sources.SAMPLES,
    **samplers.SAMPLES,
    **tasks.SAMPLES,
    **columns.SAMPLES,
    **filters.SAMPLES,
    **validators.SAMPLES,
    **formats.SAMPLES,
    **sinks.SAMPLES,
}


def samples_of(kind: type[BaseStep]) -> list[Any]:
    """The samples that are of this kind, as parameters of a test."""
    return [
        pytest.param(sample, id=f"{name}-{at}" if len(samples) > 1 else name)
        for name, samples in SAMPLES.items()
        for at, sample in enumerate(samples)
        if isinstance(sample.step, kind)
    ]


def run(step: BaseStep, rows: list[Row]) -> list[Row]:
    """What the step makes of these rows."""
    if isinstance(step, JoinStep):
        return [step.combine([row, row]) for row in rows]
    if isinstance(step, GlobalStep):
        return list(step.process(rows))
    return step.process(rows)  # type: ignore[attr-defined,no-any-return]


__all__ = ["SAMPLES", "Sample", "run", "samples_of"]
