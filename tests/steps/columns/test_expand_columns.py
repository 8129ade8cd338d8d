from __future__ import annotations

from typing import Any

import pytest

from steps.columns.expand_columns import ExpandColumns
from steps.errors import RowError


def test_each_item_becomes_a_row() -> None:
    rows = ExpandColumns(columns=["x"]).process([{"id": 1, "x": [7, 8]}])

    assert rows == [{"id": 1, "x": 7}, {"id": 1, "x": 8}]


def test_several_columns_are_taken_apart_together() -> None:
    rows = ExpandColumns(columns=["x", "y"]).process([{"x": [1, 2], "y": ["a", "b"]}])

    assert rows == [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]


def test_under_a_new_name_the_list_stays_where_it_was() -> None:
    rows = ExpandColumns(columns={"xs": "x"}).process([{"xs": [1, 2]}])

    assert rows == [{"xs": [1, 2], "x": 1}, {"xs": [1, 2], "x": 2}]


def test_an_empty_list_drops_its_row() -> None:
    assert ExpandColumns(columns=["x"]).process([{"x": []}]) == []


def test_it_says_that_it_changes_the_number_of_rows() -> None:
    assert ExpandColumns.changes_rows


@pytest.mark.parametrize("encoded", [True, ["x"]])
def test_a_list_in_json_text_is_read(encoded: bool | list[str]) -> None:
    assert ExpandColumns(columns=["x"], encoded=encoded).process([{"x": "[1]"}]) == [{"x": 1}]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"x": [1, 2], "y": [1]}, "not equally long: {'x': 2, 'y': 1}"),
        ({"x": "text", "y": []}, "'x' holds 'text', not a list"),
        ({"x": None, "y": []}, "'x' holds 'None', not a list"),
        ({"x": [], "y": "[1,"}, "'y' is not JSON"),
        ({"x": [], "y": '{"a": 1}'}, "'y' holds .*, not a list"),
    ],
)
def test_a_row_that_cannot_be_taken_apart_is_refused(row: dict[str, Any], what: str) -> None:
    with pytest.raises(RowError, match=what):
        ExpandColumns(columns=["x", "y"], encoded=["y"]).process([row])


def test_token_counts_are_shared_so_that_their_sum_stays() -> None:
    metadata = {"statistics_answer": {"output_tokens": 7, "seconds": 3.0}, "raw_output_answer": "text"}

    rows = ExpandColumns(columns=["x"], split_statistics=True).process([{"x": [1, 2], "distilflow_metadata": metadata}])

    counts = [row["distilflow_metadata"]["statistics_answer"] for row in rows]
    assert counts == [{"output_tokens": 4, "seconds": 1.5}, {"output_tokens": 3, "seconds": 1.5}]
    assert rows[0]["distilflow_metadata"]["raw_output_answer"] == "text"


@pytest.mark.parametrize("items", [[], [1], [1, 2, 3]])
def test_token_counts_that_can_be_divided_are_shared_evenly(items: list[int]) -> None:
    metadata = {"statistics_answer": {"output_tokens": [6, 12], "is_cut": True, "more": {}}}

    rows = ExpandColumns(columns=["x"], split_statistics=True).process([{"x": items, "distilflow_metadata": metadata}])

    each = [6 // len(items), 12 // len(items)] if items else []
    expected = {"statistics_answer": {"output_tokens": each, "is_cut": True, "more": {}}}
    assert [row["distilflow_metadata"] for row in rows] == [expected] * len(items)
    assert metadata["statistics_answer"]["output_tokens"] == [6, 12]
