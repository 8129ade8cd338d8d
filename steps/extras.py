"""Packages that only some steps need: imported when they are used, and named where they are missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from steps.errors import RunError


def extra(module: str, name: str, what: str) -> Any:
    """A module of the optional packages `distilflow[name]`; `what` needs it, as a message says it.

    Raises:
        RunError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise RunError(f"{what} needs `{module.partition('.')[0]}`", f"pip install 'distilflow[{name}]'") from error


def without_extra(module: str, name: str, what: str) -> tuple[tuple[str, str], ...]:
    """The complaint of `check` where the module is not installed; none where it is. Imports nothing."""
    if find_spec(module):
        return ()
    return ((f"{what} needs `{module}`, which is not installed", f"pip install 'distilflow[{name}]'"),)
