"""For each registered step: one that is ready to work, and a row it accepts. A new step adds a line to its package's module."""

from __future__ import annotations

from typing import Any

import pytest

from steps.base import BaseStep
from tests.steps.samples import argilla, columns, filters, formats, labels, samplers, sinks, sources, tasks, validators
from tests.steps.samples.sample import Sample, Samples
from tests.steps.samples.working import run

SAMPLES: Samples = {
    **sources.SAMPLES,
    **samplers.SAMPLES,
    **tasks.SAMPLES,
    **columns.SAMPLES,
    **filters.SAMPLES,
    **validators.SAMPLES,
    **formats.SAMPLES,
    **labels.SAMPLES,
    **sinks.SAMPLES,
    **argilla.SAMPLES,
}


def samples_of(kind: type[BaseStep]) -> list[Any]:
    """The samples that are of this kind, as parameters of a test."""
    return [
        pytest.param(sample, id=f"{name}-{at}" if len(samples) > 1 else name)
        for name, samples in SAMPLES.items()
        for at, sample in enumerate(samples)
        if isinstance(sample.step, kind)
    ]


__all__ = ["SAMPLES", "Sample", "run", "samples_of"]
