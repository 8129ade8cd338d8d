from __future__ import annotations

from typing import Any

import pytest

from steps.errors import MissingValue, RowError
from steps.samplers.sample_subcategory import SampleSubcategory
from tests.steps.samplers.drawing import complaints, drawn

STEP = SampleSubcategory(column="topic", of="subject", values={"maths": ["algebra", "sets"], "1": ["one"], "none": []})


def test_a_value_of_the_category_is_drawn() -> None:
    assert set(drawn(STEP, subject="maths")) == {"algebra", "sets"}
    assert set(drawn(STEP, subject=1)) == {"one"}


def test_a_value_that_stands_twice_is_drawn_twice_as_often() -> None:
    step = SampleSubcategory(column="t", of="s", values={"x": ["a", "a", "b"]})

    assert drawn(step, s="x").count("a") / 2000 == pytest.approx(2 / 3, abs=0.03)


@pytest.mark.parametrize("subject", ["art", "none", ["maths"], "🦆" * 5000])
def test_a_row_of_an_unknown_category_is_refused(subject: Any) -> None:
    with pytest.raises(RowError, match=r"'subject' holds .*, which has no values here: maths, 1, none"):
        STEP.process([{"subject": subject}])


def test_a_row_without_a_category_is_refused() -> None:
    with pytest.raises(MissingValue):
        STEP.process([{"subject": float("nan")}])


def test_a_category_without_values_is_told() -> None:
    assert "'none' has no values" in complaints(STEP)
