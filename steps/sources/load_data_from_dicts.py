"""Rows written into the pipeline itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from steps.base import GeneratorStep, Row
from steps.errors import Complaint


class LoadDataFromDicts(GeneratorStep):
    """Starts from rows that are written into the pipeline.

    Example:
        >>> list(LoadDataFromDicts(data=[{"instruction": "Say hi"}]).generate())
        [{'instruction': 'Say hi'}]
    """

    data: list[Row] = Field(
        default_factory=list,
        description="The rows.",
        examples=[
            [
                {"instruction": "Name three rivers.", "topic": "maps"},
                {"instruction": "Why is the sky blue?", "topic": "physics"},
            ]
        ],
    )

    def check(self) -> Iterable[Complaint]:
        if "data" not in self.model_fields_set:  # an empty list is meant
            yield "`data` is left out", "write the rows there, or set `data` when the run starts"

    def generate(self) -> Iterator[Row]:
        for row in self.data:
            yield dict(row)

    def count(self) -> int:
        return len(self.data)

    def columns(self) -> list[str] | None:
        return list(dict.fromkeys(column for row in self.data for column in row)) or None
