from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from steps.errors import MissingValue, RowError
from steps.samplers.sample_later_date import SampleLaterDate
from tests.steps.samplers.drawing import complaints, drawn

STEP = SampleLaterDate(column="delivered", of="ordered", low=1, high=3)


@pytest.mark.parametrize("ordered", ["2024-02-28", date(2024, 2, 28)])
def test_the_date_follows_within_the_limits(ordered: Any) -> None:
    assert set(drawn(STEP, 100, ordered=ordered)) == {"2024-02-29", "2024-03-01", "2024-03-02"}


def test_a_time_stays_a_time() -> None:
    step = SampleLaterDate(column="end", of="begin", low=90, high=90, unit="minute")

    assert drawn(step, 1, begin=datetime(2024, 1, 1, 23)) == ["2024-01-02T00:30:00"]
    assert drawn(step, 1, begin="2024-01-01") == ["2024-01-01T01:30:00"]


@pytest.mark.parametrize("ordered", ["28.02.2024", "", 20240228, ["2024-02-28"]])
def test_a_row_without_a_date_is_refused(ordered: Any) -> None:
    with pytest.raises(RowError, match=r"'ordered' holds .*, no date"):
        STEP.process([{"ordered": ordered}])


def test_nothing_is_refused_by_name() -> None:
    with pytest.raises(MissingValue, match="nothing in 'ordered'"):
        STEP.process([{"ordered": None}])


@pytest.mark.parametrize("unit", ["year", "day"])
def test_time_ends_with_the_year_9999(unit: Any) -> None:
    with pytest.raises(RowError, match="beyond the year 9999"):
        SampleLaterDate(column="d", of="ordered", low=10**9, high=10**9, unit=unit).process([{"ordered": "2024-01-01"}])


def test_limits_the_wrong_way_round_are_told() -> None:
    assert "low: 5 is larger than `high`, 1" in complaints(SampleLaterDate(column="d", of="o", low=5, high=1))
