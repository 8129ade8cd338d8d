"""JSON that stands in columns as text, and values as text."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def json_in(text: str) -> Any:
    """The value that a text holds.

    Raises:
        ValueError: It is no JSON, or nested too deep to be read.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def json_of(value: Any) -> str:
    """A value as JSON; what JSON does not know, in words."""
    return json.dumps(value, ensure_ascii=False, default=str)


def text_or_json(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json_of(value)
