"""JSON that stands in columns as text."""

from __future__ import annotations

import json
from typing import Any


def json_in(text: str) -> Any:
    """The value that a text holds.

    Raises:
        ValueError: It is no JSON, or nested too deep to be read.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
