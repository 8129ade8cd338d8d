from __future__ import annotations

import math
from collections import Counter
from statistics import fmean, pstdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.errors import RowError
from steps.samplers.sample_number import SampleNumber
from tests.steps.samplers.drawing import MANY, complaints, drawn, numbered

SHAPES: list[tuple[dict[str, Any], float, float]] = [
    ({"distribution": "uniform", "low": -2, "high": 4}, 1, math.sqrt(36 / 12)),
    ({"distribution": "normal", "mean": 50, "deviation": 7}, 50, 7),
    (
        {"distribution": "lognormal", "mean": 1, "deviation": 0.5},
        math.exp(1.125),
        math.exp(1.125) * math.sqrt(math.exp(0.25) - 1),
    ),
    ({"distribution": "exponential", "mean": 3}, 3, 3),
    ({"distribution": "poisson", "mean": 4}, 4, 2),
    ({"distribution": "poisson", "mean": 1e9}, 1e9, math.sqrt(1e9)),
    ({"distribution": "binomial", "trials": 100, "chance": 0.2}, 20, 4),
    ({"distribution": "bernoulli", "chance": 0.3}, 0.3, math.sqrt(0.21)),
]


@pytest.mark.parametrize(("params", "mean", "deviation"), SHAPES, ids=lambda value: str(value)[:40])
def test_what_is_drawn_has_the_shape_of_the_distribution(params: dict[str, Any], mean: float, deviation: float) -> None:
    values = drawn(SampleNumber(column="n", **params))

    assert complaints(SampleNumber(column="n", **params)) == ""
    assert fmean(values) == pytest.approx(mean, abs=5 * deviation / math.sqrt(MANY))
    assert pstdev(values) == pytest.approx(deviation, rel=0.15)


def test_whole_numbers_are_drawn_equally_often_up_to_both_ends() -> None:
    counts = Counter(drawn(SampleNumber(column="n", low=1, high=6, decimals=0)))

    assert sorted(counts) == [1, 2, 3, 4, 5, 6]
    assert all(count / MANY == pytest.approx(1 / 6, abs=0.03) for count in counts.values())


@pytest.mark.parametrize(
    "params", [params for params, _, _ in SHAPES if params["distribution"] in ("poisson", "binomial", "bernoulli")]
)
def test_counts_are_whole_numbers(params: dict[str, Any]) -> None:
    assert {type(value) for value in drawn(SampleNumber(column="n", **params), 50)} == {int}


def test_numbers_beyond_the_limits_become_the_limits() -> None:
    values = drawn(SampleNumber(column="n", distribution="normal", mean=0, deviation=10, low=-1.5, high=2, decimals=0))

    assert set(values) == {-1, 0, 1, 2}, "-1.5 itself is no whole number"
    assert {type(value) for value in values} == {int}


@given(low=st.floats(-1e6, 1e6), width=st.floats(0, 1e6), decimals=st.one_of(st.none(), st.integers(0, 6)))
def test_a_uniform_number_lies_between_the_limits_and_has_no_more_decimals(
    low: float, width: float, decimals: int | None
) -> None:
    step = SampleNumber(column="n", low=low, high=low + width, decimals=decimals)
    if complaints(step):
        assert "there is no" in complaints(step)
        return

    for value in drawn(step, 5):
        assert low - 1e-6 <= value <= low + width + 1e-6
        assert decimals is None or value == round(value, decimals)


def test_hundredths_are_drawn_as_they_are_written() -> None:
    assert set(drawn(SampleNumber(column="n", low=0.28, high=0.3, decimals=2))) == {0.28, 0.29, 0.3}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "low: uniform needs it"),
        ({"low": 1}, "high: uniform needs it"),
        ({"low": 2, "high": 1}, "low: 2 is larger than `high`, 1"),
        ({"low": 0.1, "high": 0.9, "decimals": 0}, "there is no whole number between 0.1 and 0.9"),
        ({"low": 0.11, "high": 0.19, "decimals": 1}, "there is no number with 1 decimals"),
        ({"distribution": "normal", "mean": 1}, "deviation: normal needs it"),
        ({"distribution": "poisson", "mean": -1}, "mean: -1 is not between 0 and"),
        ({"distribution": "poisson", "mean": 1e300}, "mean: 1e+300 is not between 0 and"),
        ({"distribution": "bernoulli", "chance": 1, "mean": 3}, "mean: bernoulli has no use for it, it takes `chance`"),
    ],
)
def test_parameters_that_do_not_fit_the_distribution_are_told(params: dict[str, Any], said: str) -> None:
    assert said in complaints(SampleNumber(column="n", **params))


def test_a_number_too_large_for_a_computer_is_refused() -> None:
    step = SampleNumber(column="n", distribution="lognormal", mean=1e6, deviation=1)

    with pytest.raises(RowError, match="too large"):
        step.process(numbered(1))


def test_a_missing_parameter_is_told_without_a_plan_too() -> None:
    with pytest.raises(RowError, match="normal needs `mean`"):
        SampleNumber(column="n", distribution="normal").process(numbered(1))


@pytest.mark.parametrize("bad", [{"chance": 1.5}, {"deviation": -1}, {"low": float("nan")}, {"decimals": -1}, {"trials": -1}])
def test_parameters_have_limits(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        SampleNumber(column="n", **bad)
