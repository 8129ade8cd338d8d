"""Where chance comes from: seeds that are made of what a row holds, so that the same row always meets the same chances."""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Any

from steps.base import Row


def chances(seed: int, row: Row, *purpose: str | int) -> Random:
    """Chances that depend on a seed, on all that the row holds, and on what they are for: nothing else.

    Equal rows meet equal chances. The order of columns does not count, and lists and tuples are the same: rows that are
    read back from disk hold lists.
    """
    said = f"{row_text([seed, *purpose])}{row_text(row)}".encode("utf-8", "surrogatepass")
    return Random(hashlib.blake2b(said, digest_size=8).digest())


def row_text(value: Any) -> str:
    """All that a row or a value holds, as text: the same for rows that are equal, whatever the order of their columns."""
    try:
        return json.dumps(value, sort_keys=True, default=repr)
    except (TypeError, ValueError, RecursionError):  # keys of several types, or no tuple of JSON at all
        return repr(sorted(value.items())) if isinstance(value, dict) else repr(value)
