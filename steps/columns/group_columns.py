"""Branches as lists: what several models answered to one instruction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from steps.base import METADATA, JoinStep, Row, require_all
from steps.columns.joins import merged_metadata


class GroupColumns(JoinStep):
    """Collects what several branches made of a row into lists.

    All other columns stay; where branches disagree about one, the first wins.

    Example:
        >>> group = GroupColumns(columns=["generation"], output_columns=["generations"])
        >>> group.combine([{"instruction": "2+2?", "generation": "4"}, {"instruction": "2+2?", "generation": "four"}])
        {'instruction': '2+2?', 'generations': ['4', 'four']}
    """

    columns: list[str] = Field(min_length=1, description="Columns to collect into lists.", examples=[["generation"]])
    output_columns: list[str] | None = Field(
        default=None,
        description="Names of the lists, in the same order; empty for grouped_<column>.",
        examples=[["generations"]],
    )

    def needs(self) -> list[str]:
        return list(self.columns)

    def makes(self) -> list[str]:
        return self.output_columns or [f"grouped_{column}" for column in self.columns]

    def check(self) -> Iterable[str]:
        if self.output_columns and len(self.output_columns) != len(self.columns):
            yield f"`output_columns` names {len(self.output_columns)} columns, `columns` {len(self.columns)}"

    def columns_joined(self, received: Sequence[Sequence[str]]) -> list[str]:
        others = [column for column in super().columns_joined(received) if column not in self.columns]
        return list(dict.fromkeys([*others, *self.makes()]))

    def combine(self, rows: Sequence[Row]) -> Row:
        columns = self.columns
        try:
            lists = [[row[column] for row in rows] for column in columns]
        except KeyError:
            require_all(rows, columns)
            raise
        kept = rows[0].copy()
        for row in rows[1:]:
            if not row.keys() <= kept.keys():
                kept |= {column: value for column, value in row.items() if column not in kept}
        if METADATA in kept:
            kept |= merged_metadata(rows)
        for column in columns:
            kept.pop(column, None)
        kept.update(zip(self.makes(), lists, strict=True))
        return kept
