"""Rows drawn from others, such as the examples of a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Row
from steps.errors import Complaint


class DataSampler(GeneratorStep):
    """Draws rows by chance, some at a time: each column then holds a list.

    A new row holds what `size` rows of `data` have in each column, e.g. the examples for one prompt; None where a row lacks
    it. No row is drawn twice for the same new row, unless `size` is larger than the data. The same seed draws the same.
    Beside a loader, the first new row goes with the first row of the loader, and so on.

    Example:
        >>> data = [{"query": "2+2?", "answer": "4"}, {"query": "3+3?", "answer": "6"}]
        >>> next(DataSampler(data=data, seed=1).generate())
        {'query': ['2+2?', '3+3?'], 'answer': ['4', '6']}
    """

    rows_set_by: ClassVar[str] = "samples"

    data: list[Row] = Field(
        default_factory=list,
        description="Rows to draw from.",
        examples=[[{"query": "2+2?", "answer": "4"}, {"query": "Name a river.", "answer": "The Rhine."}]],
    )
    size: int = Field(default=2, ge=1, description="Rows of the data in each new row.")
    samples: int = Field(default=100, ge=1, description="How many new rows.")
    seed: int = Field(default=42, description="Another seed draws other rows.")

    def check(self) -> Iterable[Complaint]:
        if not self.data:
            yield "`data` has no rows to draw from", "write the rows there"

    def generate(self) -> Iterator[Row]:
        rng, columns = Random(self.seed), self._columns()
        for _ in range(self.count()):
            drawn = rng.sample(self.data, self.size) if self.size <= len(self.data) else rng.choices(self.data, k=self.size)
            yield {column: [row.get(column) for row in drawn] for column in columns}

    def count(self) -> int:
        return self.samples if self.data else 0

    def columns(self) -> list[str] | None:
        return self._columns() or None

    def _columns(self) -> list[str]:
        return list(dict.fromkeys(column for row in self.data for column in row))
