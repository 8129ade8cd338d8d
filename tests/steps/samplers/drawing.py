"""What tests of samplers share: many rows, and what is drawn for them."""

from __future__ import annotations

from typing import Any

from steps.base import Row
from steps.samplers.base import Sampler

MANY = 2000


def drawn(step: Sampler, rows: int = MANY, **columns: Any) -> list[Any]:
    """What is drawn for rows that differ in their number."""
    return [row[step.column] for row in step.process(numbered(rows, **columns))]


def numbered(rows: int, **columns: Any) -> list[Row]:
    return [{"number": number, **columns} for number in range(rows)]


def complaints(step: Sampler) -> str:
    return "\n".join(one if isinstance(one, str) else " ".join(one) for one in step.check())
