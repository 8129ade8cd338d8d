"""A step that is ready to work, and a row it accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from steps.base import BaseStep, Row


class Sample(NamedTuple):
    step: BaseStep
    row: Callable[[str], Row]
    """A row that holds this text wherever text may stand."""


Samples = dict[str, list[Sample]]
"""By the name of the step."""
