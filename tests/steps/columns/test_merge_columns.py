from __future__ import annotations

from steps.columns.merge_columns import MergeColumns


def test_lists_are_joined_and_values_become_items() -> None:
    [row] = MergeColumns(columns=["a", "b"]).process([{"a": 1, "b": [2, 3], "c": 4}])

    assert row == {"c": 4, "merged_column": [1, 2, 3]}


def test_the_list_may_take_the_place_of_a_column_it_was_made_of() -> None:
    merge = MergeColumns(columns=["query", "queries"], output_column="queries")

    assert merge.process([{"query": "a", "queries": ["b"]}]) == [{"queries": ["a", "b"]}]
    assert merge.columns_after(["query", "queries", "id"]) == ["id", "queries"]
