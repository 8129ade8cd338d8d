from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from steps.samplers.dates import Unit
from steps.samplers.sample_date import SampleDate
from tests.steps.samplers.drawing import complaints, drawn


def _step(start: str, end: str, **params: Any) -> SampleDate:
    return SampleDate(column="day", start=start, end=end, **params)


@pytest.mark.parametrize(
    ("start", "end", "unit", "expected"),
    [
        ("2024-02-28", "2024-03-01", "day", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("2024-01-31", "2024-04-30", "month", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2024-01-31", "2024-04-29", "month", ["2024-01-31", "2024-02-29", "2024-03-31"]),
        ("2020-02-29", "2022-12-31", "year", ["2020-02-29", "2021-02-28", "2022-02-28"]),
        ("2024-01-01", "2024-01-20", "week", ["2024-01-01", "2024-01-08", "2024-01-15"]),
        ("2024-01-01T22:30", "2024-01-01", "hour", ["2024-01-01T22:30:00", "2024-01-01T23:30:00"]),
        ("2024-01-01T08:00+02:00", "2024-01-02", "day", ["2024-01-01T08:00:00+02:00", "2024-01-02T08:00:00+02:00"]),
        ("2024-05-05", "2024-05-05", "day", ["2024-05-05"]),
    ],
)
def test_dates_lie_whole_units_after_the_start_up_to_the_end(start: str, end: str, unit: Unit, expected: list[str]) -> None:
    assert complaints(_step(start, end, unit=unit)) == ""
    assert sorted(set(drawn(_step(start, end, unit=unit), 200))) == expected


def test_an_end_without_a_time_includes_that_day() -> None:
    hours = set(drawn(_step("2024-01-01", "2024-01-01", unit="hour"), 500))

    assert (min(hours), max(hours), len(hours)) == ("2024-01-01T00:00:00", "2024-01-01T23:00:00", 24)


def test_dates_are_written_as_wished() -> None:
    [text] = drawn(_step("2024-01-01", "2024-12-31", unit="minute", format="%d.%m.%Y %H:%M"), 1)

    assert datetime.strptime(text, "%d.%m.%Y %H:%M").year == 2024


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("soon", "2024-01-01", "start: 'soon' is no date"),
        ("2024-02-30", "2024-13-01", "end: '2024-13-01' is no date"),
        ("2024-02-01", "2024-01-01", "lies before `start`"),
        ("2024-02-01T00:00Z", "2024-03-01T00:00", "has a time zone"),
    ],
)
def test_dates_that_make_no_range_are_told(start: str, end: str, said: str) -> None:
    assert said in complaints(_step(start, end))
