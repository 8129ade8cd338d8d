"""What requests used, added up and in words."""

from __future__ import annotations

import pytest

from flows.engine.tally import Tally, money
from steps.llms.base import Usage


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (0.0000214, "$0.0000214"),
        (0.02, "$0.02"),
        (0.5, "$0.50"),
        (0.49834, "$0.498"),
        (0.9996, "$1.00"),
        (1, "$1.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_has_the_digits_that_matter(amount: float, text: str) -> None:
    assert money(amount) == text


def test_a_request_of_unknown_price_is_never_free() -> None:
    total = Tally.of(Usage(100, 10), 0.25, 1.5)
    assert (total.cost, total.in_money()) == (0.25, "$0.25")

    total.add(Tally.of(Usage(100, 10, 50, 5), None, 0.5))

    assert (total.cost, total.in_money()) == (None, "$0.25 and 1 of unknown price")
    assert total == Tally(2, 200, 20, 50, 5, 2.0, 0.25, 1)
    assert Tally.of(Usage(1, 1), None, 1.0).in_money() == "unknown price"
    assert Tally.of(Usage(1, 1), 0.0, 1.0).in_money() == ""


def test_words_say_requests_tokens_and_money() -> None:
    assert Tally().in_words() == ""
    assert Tally(1, 10, 5).in_words() == "1 request, 10 tokens in, 5 out"
    assert Tally(1200, 5000, 70000, 300, known_cost=0.5).in_words() == (
        "1,200 requests, 5,000 tokens in (300 cached), 70,000 out, $0.50"
    )
