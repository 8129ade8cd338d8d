"""What a person should look at next."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar

from pydantic import Field

from steps.base import GlobalStep, Group, Row, require_values
from steps.errors import RowError
from steps.filters.marking import at_row
from steps.row_texts import is_number
from steps.wording import quoted


class SelectForReview(GlobalStep):
    """Keeps the items whose labels are least certain, the most doubtful first.

    Rows are consolidated ones, with their `uncertainty`: how probable it is that the label is wrong, and so what a right answer
    is expected to bring. `review_rank` counts from 1. Of items that are as uncertain, those come first about which annotators
    contradict each other.

    Example:
        >>> rows = [{"item": "1", "uncertainty": 0.1}, {"item": "2", "uncertainty": 0.4}]
        >>> SelectForReview(num_items=1).process(rows)
        [{'item': '2', 'uncertainty': 0.4, 'review_rank': 1}]
    """

    group: ClassVar[Group] = "labels"
    inputs = ("uncertainty",)
    optional_inputs = ("conflicts",)
    outputs = ("review_rank",)

    num_items: int = Field(default=100, ge=1, description="Items to review at most.")
    min_uncertainty: float = Field(default=0.0, ge=0, le=1, description="Items that are surer than this are left out.")

    def check_row(self, row: Row) -> None:
        _uncertainty(row)

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        doubtful = []
        for number, row in enumerate(rows):
            with at_row(number):
                if _uncertainty(row) >= self.min_uncertainty:
                    doubtful.append(row)
        doubtful.sort(key=lambda row: (-row["uncertainty"], -_disputed(row)))
        return [{**row, "review_rank": rank} for rank, row in enumerate(doubtful[: self.num_items], 1)]


def _disputed(row: Row) -> int:
    """How many answers were given."""
    conflicts = row.get("conflicts")
    return len(conflicts) if isinstance(conflicts, list) else 0


def _uncertainty(row: Row) -> float:
    require_values(row, ["uncertainty"])
    value = row["uncertainty"]
    if not is_number(value):
        what = f"column 'uncertainty' holds {quoted(value)}, which is no number"
        raise RowError(what, "put ConsolidateLabels before this step")
    return float(value)
