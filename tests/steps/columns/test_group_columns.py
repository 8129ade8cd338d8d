from __future__ import annotations

import pytest

from steps.columns.group_columns import GroupColumns
from steps.errors import MissingKey

BRANCHES = [
    {"instruction": "2+2?", "generation": "4", "model_name": "a", "note": "first"},
    {"instruction": "2+2?", "generation": "5", "model_name": "b", "note": "second"},
]


def test_values_become_lists_in_the_order_of_the_branches() -> None:
    group = GroupColumns(columns=["generation", "model_name"], output_columns=["generations", "generation_models"])

    row = group.combine(BRANCHES)

    assert (row["generations"], row["generation_models"]) == (["4", "5"], ["a", "b"])
    assert row.keys().isdisjoint({"generation", "model_name"})


def test_the_first_branch_wins_where_others_disagree() -> None:
    assert GroupColumns(columns=["generation"]).combine(BRANCHES)["note"] == "first"


def test_a_column_that_only_a_later_branch_has_is_kept() -> None:
    assert GroupColumns(columns=["x"]).combine([{"x": 1}, {"x": 2, "score": 9}])["score"] == 9


def test_metadata_of_all_branches_is_kept() -> None:
    rows = [{"x": 1, "distilflow_metadata": {"a": 1}}, {"x": 2, "distilflow_metadata": {"b": 2}}]

    assert GroupColumns(columns=["x"]).combine(rows)["distilflow_metadata"] == {"a": 1, "b": 2}


def test_lists_without_a_name_are_called_grouped() -> None:
    assert GroupColumns(columns=["x"]).combine([{"x": 1}]) == {"grouped_x": [1]}


def test_a_list_may_keep_the_name_of_its_column() -> None:
    assert GroupColumns(columns=["x"], output_columns=["x"]).combine([{"x": 1}, {"x": 2}]) == {"x": [1, 2]}


def test_names_that_do_not_match_the_columns_are_reported() -> None:
    [sentence] = GroupColumns(columns=["x", "y"], output_columns=["xs"]).check()

    assert "names 1 columns, `columns` 2" in sentence


def test_a_branch_without_the_column_is_refused() -> None:
    with pytest.raises(MissingKey, match="no 'x'"):
        GroupColumns(columns=["x"]).combine([{"x": 1}, {"y": 2}])
