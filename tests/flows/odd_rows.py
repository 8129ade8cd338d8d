"""Rows as data sets really hold them, good and bad by turns, as a source. `n` tells them apart: from 100 on they are bad."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import cycle

from pydantic import Field

from steps.base import GeneratorStep, Row
from tests.odd_names import ODD_NAMES

USE = f"{__name__}:OddRows"

VALUES = [1, "x", [1], {"x": 1}, True]
NAMED: Row = {**dict(zip(ODD_NAMES, cycle(VALUES), strict=False)), "$distilflow": ["text", "x"]}  # as files mark a type
"""Columns called like what is inside: each passes as it is."""

GOOD: list[Row] = [
    {"text": "Say hi", **NAMED},
    {"text": "🦆 ünï \u202e \x00 {x} {{ y }} {% z %}"},
    {"text": "x" * 10_000, "day": dt.date(2024, 1, 1)},
    {"text": "word " * 2_000},
    {"text": "half a character: \ud83e"},
]
BAD: list[Row] = [
    {"text": None},
    {"text": float("nan")},
    {},
    {"text": ["a"]},
    {"text": {"a": 1}},
    {"text": b"\xff"},
    {"text": True},
]
FIRST_BAD = 100


class OddRows(GeneratorStep):
    """Odd rows; the text stands in each of some columns."""

    into: list[str] = Field(default=["text"], description="Columns that hold the text.")

    def generate(self) -> Iterator[Row]:
        good = [{"n": n, **row} for n, row in enumerate(GOOD)]
        bad = [{"n": FIRST_BAD + n, **row} for n, row in enumerate(BAD)]
        for pair in [*zip(good, bad, strict=False), bad[len(good) :]]:
            for row in pair:
                text = dict.fromkeys(self.into, row["text"]) if "text" in row else {}
                yield {column: value for column, value in row.items() if column != "text"} | text
