"""Chance that a row meets again when it is done again."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

from steps.base import Row

REHEARSAL = "rehearsal"
"""What stands for a model with weights when a pipeline is rehearsed."""


def chances_of(row: Row, seed: int, *more: Any) -> Random:
    """Where the chances of this row come from: the same row, seed and whatever else is named, the same chances."""
    return _drawn([seed, sorted(row.items()), *more])


def made_up(what: Any) -> float:
    """A score from 0 to 1 that a rehearsal gives this: always the same."""
    return _drawn([REHEARSAL, what]).random()


def _drawn(what: list[Any]) -> Random:
    return Random(hashlib.blake2b(repr(what).encode("utf-8", "surrogatepass"), digest_size=8).digest())
