from __future__ import annotations

from steps.samplers.numbered_rows import NumberedRows


def test_rows_are_numbered() -> None:
    step = NumberedRows(num_rows=3, start=10, column="id")

    assert list(step.generate()) == [{"id": 10}, {"id": 11}, {"id": 12}]
    assert (step.count(), step.columns()) == (3, ["id"])


def test_more_rows_leave_the_first_ones_as_they_were() -> None:
    assert list(NumberedRows(num_rows=9).generate())[:4] == list(NumberedRows(num_rows=4).generate())
