"""Measures and agreement, against values that were worked out by hand or by another program."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steps.labels.agreement import Level, krippendorff_alpha
from steps.labels.measures import accuracy, calibration_error, difference, log_loss, quality, review_gain, scored
from tests.steps.labels.crowd import votes

POSTERIOR = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55]])
TRUTH = np.array([0, 1, 1, 0])
LABELS = scored(POSTERIOR, TRUTH)


def test_accuracy_and_log_loss_are_as_worked_out_by_hand() -> None:
    assert accuracy(LABELS) == 0.5
    assert log_loss(LABELS) == pytest.approx(-(math.log(0.9) + math.log(0.2) + math.log(0.7) + math.log(0.45)) / 4)


def test_calibration_error_is_as_worked_out_by_hand() -> None:
    # each of .9, .8, .7, .55 lies in a bin of its own: right, wrong, right, wrong
    assert calibration_error(LABELS) == pytest.approx((0.1 + 0.8 + 0.3 + 0.55) / 4)


def test_a_label_that_was_called_impossible_does_not_cost_without_end() -> None:
    assert log_loss(scored(np.array([[1.0, 0.0]]), np.array([1]))) == pytest.approx(-math.log(1e-6))


def test_errors_found_is_the_share_of_errors_among_the_tenth_least_certain() -> None:
    sure = np.linspace(0.99, 0.6, 20)
    posterior, truth = np.stack([sure, 1 - sure], axis=1), np.zeros(20, dtype=np.int64)
    truth[[19, 18, 3, 4]] = 1

    assert review_gain(scored(posterior, truth)) == 0.5


def test_items_that_are_as_certain_count_alike() -> None:
    posterior, truth = np.full((20, 2), 0.5), np.arange(20) % 2

    assert review_gain(scored(posterior, truth)) == pytest.approx(0.1)


def test_where_nothing_is_wrong_all_errors_are_found() -> None:
    assert review_gain(scored(POSTERIOR, np.array([0, 0, 1, 1]))) == 1


def test_intervals_hold_the_true_value_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(20):
        truth = (rng.random(150) > 0.8).astype(np.int64)
        found = quality(scored(np.tile([0.7, 0.3], (150, 1)), truth), seed).accuracy
        hits += found.low <= 0.8 <= found.high
    assert 17 <= hits <= 20


def test_a_difference_is_that_of_the_same_items() -> None:
    other = scored(POSTERIOR[:, ::-1], TRUTH)

    found = difference("log_loss", LABELS, other)

    assert found.value == pytest.approx(log_loss(LABELS) - log_loss(other))
    assert found.low <= found.value <= found.high
    assert difference("accuracy", LABELS, LABELS) == type(found)(0.0, 0.0, 0.0)


def test_without_an_item_there_is_no_quality() -> None:
    with pytest.raises(ValueError, match="no item has a known answer"):
        quality(scored(np.zeros((0, 2)), np.zeros(0, dtype=np.int64)))


@pytest.mark.parametrize(
    ("level", "alpha"),
    # `alpha` of the package krippendorff 0.8, of four observers who rate six units, some of which not all rated
    [("nominal", 0.4330708661417323), ("ordinal", 0.811079254556625), ("interval", 0.8348623853211009)],
)
def test_alpha_is_that_of_another_program(level: Level, alpha: float) -> None:
    ratings = ["11.124", "213.24", "1231.3", ".1412."]
    said = [(str(unit), str(by), one) for by, line in enumerate(ratings) for unit, one in enumerate(line) if one != "."]

    assert krippendorff_alpha(votes(*said), level) == pytest.approx(alpha)


def test_alpha_is_one_where_all_agree_and_not_a_number_where_nothing_can_be_said() -> None:
    assert krippendorff_alpha(votes(("1", "a", "x"), ("1", "b", "x"), ("2", "a", "y"), ("2", "b", "y"))) == 1
    assert math.isnan(krippendorff_alpha(votes(("1", "a", "x"), ("2", "b", "y"))))
    assert math.isnan(krippendorff_alpha(votes(("1", "a", "x"), ("1", "b", "x"))))
