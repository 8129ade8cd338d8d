"""What the code of a step returned, looked at before it is used: what is wrong with it, in words for who wrote the step."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from steps.base import BaseStep, Batch, GeneratorStep, GlobalStep, JoinStep
from steps.errors import RowError, RunError

_RIGHT: tuple[tuple[type[BaseStep], str, str], ...] = (
    (GeneratorStep, "generate", "yield the rows one by one: no batches, and no flag for the last one"),
    (JoinStep, "combine", "return one row, a dict"),
    (GlobalStep, "process", "return the rows, or yield them one by one: `yield from rows` where distilabel has `yield rows`"),
    (BaseStep, "process", "return the rows: `return rows` where distilabel has `yield rows`"),
)
"""What makes the rows of each kind of step, and how."""


def returned(step: BaseStep, made: Iterable[Any] | None) -> Iterable[Any]:
    """What it returned, if that is anything.

    Raises:
        RunError: It returned nothing at all.
    """
    if made is None:
        method, fix = _right(step)
        raise RunError(f"{_called(step)}: `{method}` returned None where rows belong", fix)
    return made


def checked(step: BaseStep, rows: list[Any]) -> Batch:
    """What it made, if that is rows.

    Raises:
        RunError: It made batches of rows, as it would of any row.
        RowError: One of them is something else.
    """
    for kind in set(map(type, rows)):
        if not issubclass(kind, dict):
            method, fix = _right(step)
            what = f"`{method}` made a {kind.__name__} where a row (a dict) belongs"
            if issubclass(kind, Collection) and not issubclass(kind, (str, bytes)):
                raise RunError(f"{_called(step)}: {what}", fix)
            raise RowError(what, fix)
    return rows


def wrong_count(step: BaseStep, made: int, taken: int) -> RunError:
    """A step that made more or fewer rows than it may."""
    return RunError(
        f"{_called(step)} returned {made} rows for {taken}",
        "a step that drops or multiplies rows says so: set `changes_rows: ClassVar[bool] = True` in its class",
    )


def _called(step: BaseStep) -> str:
    return f"step {step.name!r} ({type(step).__name__})"


def _right(step: BaseStep) -> tuple[str, str]:
    return next((method, fix) for kind, method, fix in _RIGHT if isinstance(step, kind))
