"""Parameters of a component that is made of a function: those of the function itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def fields_of(function: Callable[..., Any], skip: int) -> dict[str, Any]:
    """Fields for `create_model`, one for each parameter of the function after the first `skip`."""
    try:
        parameters = inspect.signature(function, eval_str=True).parameters
    except NameError:  # a type that is known to type checkers alone
        parameters = inspect.signature(function).parameters
    return {
        own.name: (
            Any if own.annotation is own.empty or isinstance(own.annotation, str) else own.annotation,
            ... if own.default is own.empty else own.default,
        )
        for own in list(parameters.values())[skip:]
    }
