"""Functions of Python that code of pipelines may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MOST_ITEMS = 500_000


def _range(*limits: int) -> list[int]:
    found = range(*limits)
    if len(found) > MOST_ITEMS:
        raise ValueError("too many numbers")
    return list(found)


def _float(value: str | float) -> float:
    return float(value)


def _dict_of(**named: Any) -> dict[str, Any]:
    return named


def _pairs(values: list[Any], start: int = 0) -> list[list[Any]]:
    return [[at, value] for at, value in enumerate(values, start)]


def _zipped(*lists: list[Any]) -> list[list[Any]]:
    if len(lists) * min(map(len, lists), default=0) > MOST_ITEMS:
        raise ValueError("too many items")
    return [list(items) for items in zip(*lists, strict=False)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "range": _range,
    "float": _float,
    "dict": _dict_of,
    "enumerate": _pairs,
    "zip": _zipped,
}
"""Functions that code of pipelines may call."""
