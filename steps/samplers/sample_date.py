"""A date, or a time."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from pydantic import Field

from steps.base import Row
from steps.errors import Complaint, RowError
from steps.samplers.base import Sampler
from steps.samplers.dates import Moment, Unit, keeps_days, read_moment, units_between

FORMAT = "How dates are written, as strftime has it: %d.%m.%Y; empty for ISO 8601."


class SampleDate(Sampler):
    """Adds a column with a date or a time between two others.

    It lies a whole number of units after `start`, and at `end` the latest. An `end` without a time includes that day.
    Dates are text. Equal rows draw equally: number them (`NumberedRows`).

    Example:
        >>> step = SampleDate(column="due", start="2024-01-31", end="2024-02-29", unit="month", format="%d.%m.%Y", seed=2)
        >>> step.process([{"number": 1}])
        [{'number': 1, 'due': '29.02.2024'}]
    """

    start: str = Field(
        description="Earliest date or time, in ISO 8601: 2024-01-31, or 2024-01-31T08:00.", examples=["2024-01-01"]
    )
    end: str = Field(description="Latest date or time.", examples=["2024-12-31"])
    unit: Unit = Field(default="day", description="Distance of dates that can be drawn, counted from `start`.")
    format: str | None = Field(default=None, description=FORMAT)

    def check(self) -> Iterable[Complaint]:
        read = True
        for name in ("start", "end"):
            try:
                read_moment(getattr(self, name))
            except ValueError:
                read = False
                yield f"{name}: {getattr(self, name)!r} is no date", "write 2024-01-31, or 2024-01-31T08:00"
        if not read:
            return
        try:
            if self._range()[1] < 0:
                yield f"end: {self.end!r} lies before `start`, {self.start!r}", "swap them"
        except TypeError:
            yield "start: one of `start` and `end` has a time zone, and the other has none", "write both alike"

    def draw(self, row: Row, rng: Random) -> str:
        try:
            start, most = self._range()
            return start.moved(rng.randint(0, most), self.unit).written(self.format)
        except (ValueError, TypeError) as error:  # `check` says so before a run
            raise RowError(f"there is no date between {self.start!r} and {self.end!r}: {error}", "change them") from error

    def _range(self) -> tuple[Moment, int]:
        """The first moment, and the most units that may be added to it."""
        start, end = read_moment(self.start), read_moment(self.end)
        if end.is_day and not (start.is_day and keeps_days(self.unit)):
            end = Moment(end.at.replace(hour=23, minute=59, second=59, tzinfo=start.at.tzinfo), is_day=False)
        return start, units_between(start, end, self.unit)
