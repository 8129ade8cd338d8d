from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.errors import RowError
from steps.filters.embedding_dedup import EmbeddingDedup


def row(*neighbours: tuple[int, float]) -> Row:
    return {"nn_indices": [index for index, _ in neighbours], "nn_scores": [score for _, score in neighbours]}


def kept(rows: list[Row], **params: Any) -> list[bool]:
    return [made["keep_row_after_embedding_filtering"] for made in EmbeddingDedup(**params).process(rows)]


def test_of_two_that_are_alike_the_first_is_kept() -> None:
    assert kept([row((1, 0.95)), row((0, 0.95)), row((0, 0.5))]) == [True, False, True]


def test_a_pair_counts_though_only_one_of_them_knows() -> None:
    assert kept([row((2, 0.1)), row((2, 0.1)), row((0, 0.99))]) == [True, True, False]


def test_what_is_left_out_does_not_take_others_with_it() -> None:
    chain = [row((1, 0.95)), row((2, 0.95)), row((1, 0.95))]

    assert kept(chain) == [True, False, True]


def test_a_row_is_no_duplicate_of_itself() -> None:
    assert kept([row((0, 1.0))]) == [True]


def test_with_distances_small_scores_are_alike() -> None:
    assert kept([row((1, 0.01)), row((0, 0.01)), row((0, 1.9))], scores="distances", threshold=0.1) == [True, False, True]


@pytest.mark.parametrize("score", [0.9, None, float("nan")])
def test_a_score_that_is_not_above_the_threshold_does_not_count(score: Any) -> None:
    assert kept([row((1, score)), row()]) == [True, True]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (row((2, 0.99)), "neighbour 2 is none of the 2 rows"),
        (row((-1, 0.99)), "neighbour -1 is none"),
        ({"nn_indices": [1, 2], "nn_scores": [0.5]}, "two lists of the same length"),
        ({"nn_indices": 1, "nn_scores": 0.5}, "two lists of the same length"),
        ({"nn_indices": ["1"], "nn_scores": [0.99]}, "'1', not the number of a row"),
        ({"nn_indices": [1], "nn_scores": ["high"]}, "'high', not a number"),
    ],
)
def test_neighbours_that_cannot_be_read_are_refused(bad: Row, what: str) -> None:
    with pytest.raises(RowError, match=f"row 2 .*{what}"):
        kept([row(), bad])
