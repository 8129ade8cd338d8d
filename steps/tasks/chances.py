"""Chance that a row meets again when it is done again."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

from steps.base import Row


def chances_of(row: Row, seed: int, *more: Any) -> Random:
    """Where the chances of this row come from: the same row, seed and whatever else is named, the same chances."""
    said = repr([seed, sorted(row.items()), *more]).encode("utf-8", "surrogatepass")
    return Random(hashlib.blake2b(said, digest_size=8).digest())
