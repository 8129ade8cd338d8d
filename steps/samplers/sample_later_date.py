"""A date that follows another one."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from pydantic import Field

from steps.base import Row, require_values
from steps.errors import Complaint, RowError
from steps.samplers.base import Sampler
from steps.samplers.dates import Unit, read_moment
from steps.samplers.sample_date import FORMAT


class SampleLaterDate(Sampler):
    """Adds a column with a date that lies some time after that of another column.

    It may be the delivery of an order. The other column holds dates or times in ISO 8601. Equal rows draw equally: number
    them (`NumberedRows`).

    Example:
        >>> step = SampleLaterDate(column="delivered", of="ordered", low=2, high=2)
        >>> step.process([{"ordered": "2024-02-28"}])
        [{'ordered': '2024-02-28', 'delivered': '2024-03-01'}]
    """

    of: str = Field(
        min_length=1, title="Column of the earlier date", description="Column with the earlier date.", examples=["ordered"]
    )
    low: int = Field(default=1, ge=0, description="Fewest units between the two.")
    high: int = Field(default=30, ge=0, description="Most units between the two.")
    unit: Unit = Field(default="day", description="What is counted.")
    format: str | None = Field(default=None, description=FORMAT)

    def needs(self) -> list[str]:
        return [self.of]

    def check(self) -> Iterable[Complaint]:
        if self.low > self.high:
            yield f"low: {self.low} is larger than `high`, {self.high}", "swap them"

    def draw(self, row: Row, rng: Random) -> str:
        require_values(row, [self.of])
        seen = row[self.of]
        try:
            return read_moment(seen).moved(rng.randint(self.low, self.high), self.unit).written(self.format)
        except ValueError as error:
            raise RowError(f"column {self.of!r} holds {str(seen)[:60]!r}, no date", "write it as 2024-01-31") from error
        except OverflowError as error:
            raise RowError(f"the date after {str(seen)[:60]!r} lies beyond the year 9999", "choose a smaller `high`") from error
