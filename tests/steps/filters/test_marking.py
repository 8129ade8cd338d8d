from __future__ import annotations

from typing import Any

import pytest

from steps.base import BaseStep
from steps.errors import MissingKey, MissingValue, RowError
from steps.filters.filter_length import FilterLength
from steps.filters.marking import Marking, RowFilter
from steps.filters.min_hash_dedup import MinHashDedup
from tests.steps.samples import SAMPLES, Sample, run, samples_of

MARKING = [param for param in samples_of(BaseStep) if isinstance(param.values[0].step, Marking)]


def test_there_are_filters_among_the_samples() -> None:
    assert len({type(param.values[0].step) for param in MARKING}) >= 5
    assert "MinHashDedup" in SAMPLES


@pytest.mark.parametrize("sample", MARKING)
@pytest.mark.parametrize("drop", [False, True])
def test_dropping_leaves_out_what_marking_says_is_not_kept(sample: Sample, drop: bool) -> None:
    assert isinstance(sample.step, Marking)
    step, rows = (
        sample.step.model_copy(update={"drop": drop}),
        [sample.row(text) for text in ("one two three four five", "x y")],
    )
    marked = run(sample.step.model_copy(update={"drop": False}), rows)

    made = run(step, rows)

    mark = sample.step.mark or sample.step.makes()[0]  # a check says so in a column of its own, which stays
    if drop:
        kept = [row for row in marked if row[mark]]
        assert made == [{column: value for column, value in row.items() if column != sample.step.mark} for row in kept]
    else:
        assert len(made) == len(rows)
    assert {tuple(sorted(row)) for row in made} <= {tuple(sorted(step.columns_after(list(rows[0]))))}


@pytest.mark.parametrize("drop", [False, True])
def test_only_a_filter_that_drops_may_change_the_number_of_rows(drop: bool) -> None:
    step: RowFilter = FilterLength(drop=drop)

    assert step.may_change_rows() is drop


@pytest.mark.parametrize(
    ("row", "kind", "what"),
    [
        ({"more": "x"}, MissingKey, "row 2 .*no 'text'"),
        ({"text": None}, MissingValue, "row 2 .*nothing in 'text': None"),
        ({"text": ["x"]}, RowError, "row 2 .*'text' holds a list, not text"),
    ],
)
def test_a_step_over_all_rows_says_which_row_is_wrong(row: dict[str, Any], kind: type[RowError], what: str) -> None:
    with pytest.raises(kind, match=what):
        list(MinHashDedup().process([{"text": "fine"}, row]))
