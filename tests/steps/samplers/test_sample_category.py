from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from steps.errors import MissingValue
from steps.samplers.sample_category import SampleCategory
from tests.steps.samplers.drawing import MANY, complaints, drawn


def _shares(step: SampleCategory, **columns: Any) -> dict[str, float]:
    return {value: count / MANY for value, count in Counter(drawn(step, **columns)).items()}


def test_values_are_drawn_equally_often() -> None:
    assert _shares(SampleCategory(column="c", values=["a", "b", "c", "d"])) == pytest.approx(
        dict.fromkeys("abcd", 1 / 4), abs=0.03
    )


def test_a_value_is_drawn_by_its_weight_and_one_without_weighs_one() -> None:
    step = SampleCategory(column="c", values=["often", "rare", "never"], weights={"often": 3, "never": 0})

    assert _shares(step) == pytest.approx({"often": 3 / 4, "rare": 1 / 4}, abs=0.03)


@pytest.mark.parametrize(
    ("age", "expected"),
    [("child", {"hot": 1.0}), ("adult", {"hot": 0.1, "cold": 0.9}), (True, {"cold": 1.0}), (7, {"cold": 1.0})],
)
def test_weights_may_depend_on_another_column(age: Any, expected: dict[str, float]) -> None:
    step = SampleCategory(
        column="c",
        values=["hot", "cold"],
        weights={"hot": 1, "cold": 9},
        by="age",
        weights_by={"child": {"cold": 0}, "true": {"hot": 0}, "7": {"hot": 0}},
    )

    assert _shares(step, age=age) == pytest.approx(expected, abs=0.03)


def test_a_row_without_a_value_to_go_by_is_refused() -> None:
    step = SampleCategory(column="c", values=["a"], by="age", weights_by={"child": {}})

    with pytest.raises(MissingValue, match="nothing in 'age'"):
        step.process([{"age": None}])


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"weights": {"esay": 2}}, "'esay' is none of the values: easy, hard. Did you mean 'easy'?"),
        ({"weights": {"easy": 0, "hard": 0}}, "weights: all values weigh 0"),
        ({"by": "age", "weights_by": {"child": {"easy": 0, "hard": 0}}}, "weights_by: child: all values weigh 0"),
        ({"weights_by": {"child": {}}}, "no column is named"),
        ({"by": "age"}, "nothing depends on 'age'"),
    ],
)
def test_weights_that_make_no_sense_are_told(params: dict[str, Any], said: str) -> None:
    assert said in complaints(SampleCategory(column="c", values=["easy", "hard"], **params))


def test_good_weights_are_not_complained_about() -> None:
    assert complaints(SampleCategory(column="c", values=["a"], weights={"a": 2}, by="b", weights_by={"x": {"a": 1}})) == ""


@pytest.mark.parametrize("weight", [-1, float("inf"), float("nan")])
def test_a_weight_is_a_number_from_0(weight: float) -> None:
    with pytest.raises(ValueError, match="weights"):
        SampleCategory(column="c", values=["a"], weights={"a": weight})
