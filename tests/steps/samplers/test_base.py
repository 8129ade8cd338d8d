from __future__ import annotations

import pytest

from steps.samplers.base import Sampler
from steps.samplers.sample_category import SampleCategory
from steps.samplers.sample_number import SampleNumber
from tests.steps.samplers.drawing import drawn, numbered

DIE = SampleNumber(column="die", low=1, high=6, decimals=0)


def test_a_row_that_is_done_again_alone_draws_the_same() -> None:
    rows = numbered(20)

    assert [DIE.process([row])[0] for row in reversed(rows)] == list(reversed(DIE.process(rows)))


def test_equal_rows_draw_equally_and_numbered_rows_do_not() -> None:
    assert len({row["die"] for row in DIE.process([{}] * 100)}) == 1
    assert len(set(drawn(DIE))) == 6


@pytest.mark.parametrize(
    "other", [SampleNumber(column="die", low=1, high=6, decimals=0, seed=7), DIE.model_copy(update={"column": "other"})]
)
def test_another_seed_or_column_draws_something_else(other: Sampler) -> None:
    assert drawn(other) != drawn(DIE)


def test_columns_drawn_one_after_the_other_do_not_depend_on_each_other() -> None:
    rows = SampleNumber(column="second", low=0, high=1, decimals=0).process(
        SampleNumber(column="first", low=0, high=1, decimals=0).process(numbered(4000))
    )

    pairs = [(row["first"], row["second"]) for row in rows]
    assert all(abs(pairs.count(pair) / len(pairs) - 1 / 4) < 0.04 for pair in set(pairs))


def test_a_column_that_is_there_is_drawn_anew() -> None:
    assert SampleCategory(column="x", values=["a"]).process([{"x": "before"}]) == [{"x": "a"}]
