"""Dates and times as text: read, moved by whole units, and written."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple

Unit = Literal["year", "month", "week", "day", "hour", "minute", "second"]
_MONTHS: dict[Unit, int] = {"year": 12, "month": 1}
_LENGTHS: dict[Unit, timedelta] = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


class Moment(NamedTuple):
    """A point in time. `is_day`: it was written without a time."""

    at: datetime
    is_day: bool

    def moved(self, count: int, unit: Unit) -> Moment:
        """So many units later. In a month that is shorter, the last day of it stands for the days that it lacks.

        Raises:
            OverflowError: It lies beyond the year 9999.
        """
        is_day = self.is_day and keeps_days(unit)
        if unit not in _MONTHS:
            return Moment(self.at + count * _LENGTHS[unit], is_day)
        years, month = divmod(self.at.year * 12 + self.at.month - 1 + count * _MONTHS[unit], 12)
        if years > 9999:
            raise OverflowError(f"the year {years}")
        day = min(self.at.day, monthrange(years, month + 1)[1])
        return Moment(self.at.replace(year=years, month=month + 1, day=day), is_day)

    def written(self, pattern: str | None) -> str:
        """As text, by a pattern of strftime; without one as ISO 8601."""
        if pattern:
            return self.at.strftime(pattern)
        return self.at.date().isoformat() if self.is_day else self.at.isoformat()


def keeps_days(unit: Unit) -> bool:
    """Whether moving a day by this unit leads to a day."""
    return unit in ("year", "month", "week", "day")


def read_moment(value: Any) -> Moment:
    """A date or a time, as ISO text or as what Python has for it.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, datetime):
        return Moment(value, is_day=False)
    if isinstance(value, date):
        return Moment(datetime.combine(value, time()), is_day=True)
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} is no date")
    text = value.strip()
    try:
        return Moment(datetime.combine(date.fromisoformat(text), time()), is_day=True)
    except ValueError:
        return Moment(datetime.fromisoformat(text), is_day=False)


def units_between(start: Moment, end: Moment, unit: Unit) -> int:
    """How many whole units lie between; negative when the end comes first.

    Raises:
        TypeError: One of them has a time zone, and the other has none.
    """
    if unit not in _MONTHS:
        return (end.at - start.at) // _LENGTHS[unit]
    months = (end.at.year - start.at.year) * 12 + end.at.month - start.at.month
    count = months // _MONTHS[unit]
    return count if start.moved(count, unit).at <= end.at else count - 1
