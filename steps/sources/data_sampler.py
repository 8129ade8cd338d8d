"""Rows drawn from others, such as the examples of a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Row
from steps.components import LOCAL_FILES
from steps.errors import Complaint, DistilflowError
from steps.sources.files import find_files, peek_columns, read_rows


class DataSampler(GeneratorStep):
    """Draws rows by chance, some at a time: each column then holds a list.

    A new row holds what `size` rows of `data` have in each column, e.g. the examples for one prompt; None where a row lacks
    it. No row is drawn twice for the same new row, unless `size` is larger than the data. The same seed draws the same.
    Beside a loader, the first new row goes with the first row of the loader, and so on: make `samples` as many as the loader
    has. Files in `data_files` are kept in memory while rows are drawn.

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
    data_files: str | list[str] | None = Field(
        default=None,
        description="Instead of `data`: JSON, CSV or Parquet files with these rows; a path, pattern or folder, or several.",
        json_schema_extra=LOCAL_FILES,
    )
    size: int = Field(default=2, ge=1, description="Rows of the data in each new row.")
    samples: int = Field(default=100, ge=1, description="How many new rows.")
    seed: int = Field(default=42, description="Another seed draws other rows.")

    def check(self) -> Iterable[Complaint]:
        if self.data and self.data_files:
            yield "`data` and `data_files` both have rows to draw from", "leave one of them out"
        elif not self.data and not self.data_files:
            yield "`data` has no rows to draw from", "write the rows there, or name files in `data_files`"
        try:
            if self.data_files and peek_columns(self._files()) is None:
                yield "`data_files` have no rows to draw from", "name files that have some"
        except DistilflowError as error:
            yield f"data_files: {error.message}", error.fix

    def generate(self) -> Iterator[Row]:
        data = [row for path in self._files() for row in read_rows(path)] if self.data_files else self.data
        rng, columns = Random(self.seed), _columns_of(data)
        for _ in range(self.samples if data else 0):
            drawn = rng.sample(data, self.size) if self.size <= len(data) else rng.choices(data, k=self.size)
            yield {column: [row.get(column) for row in drawn] for column in columns}

    def count(self) -> int:
        return self.samples if self.data or self.data_files else 0

    def columns(self) -> list[str] | None:
        try:
            return (peek_columns(self._files()) if self.data_files else _columns_of(self.data)) or None
        except DistilflowError:  # `check` says what is wrong
            return None

    def _files(self) -> list[Path]:
        return find_files([self.data_files] if isinstance(self.data_files, str) else self.data_files or [])


def _columns_of(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))
