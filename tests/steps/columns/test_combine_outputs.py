from __future__ import annotations

from steps.base import Row
from steps.columns.combine_outputs import CombineOutputs


def test_columns_of_all_branches_stand_side_by_side() -> None:
    assert CombineOutputs().combine([{"id": 1, "a": 2}, {"id": 1, "b": 3}]) == {"id": 1, "a": 2, "b": 3}


def test_the_last_branch_wins_where_they_disagree() -> None:
    assert CombineOutputs().combine([{"x": 1}, {"x": 2}]) == {"x": 2}


def test_metadata_of_all_branches_is_kept() -> None:
    rows = [{"distilflow_metadata": {"raw_output_a": "A"}}, {"distilflow_metadata": {"raw_output_b": "B"}}]

    assert CombineOutputs().combine(rows) == {"distilflow_metadata": {"raw_output_a": "A", "raw_output_b": "B"}}


def test_a_branch_without_metadata_does_not_erase_that_of_another() -> None:
    rows: list[Row] = [{"distilflow_metadata": {"raw_output_a": "A"}}, {"distilflow_metadata": None}]

    assert CombineOutputs().combine(rows) == {"distilflow_metadata": {"raw_output_a": "A"}}
