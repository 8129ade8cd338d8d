from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from steps.base import Row
from steps.errors import RowError
from steps.filters.deita_filtering import DeitaFiltering
from steps.filters.nearest import nearest_of_all


def row(instruction: Any, response: Any, *vector: float) -> Row:
    return {"evol_instruction_score": instruction, "evol_response_score": response, "embedding": list(vector)}


def kept(rows: list[Row], **params: Any) -> list[int]:
    made = DeitaFiltering(**params).process([{**row, "id": at} for at, row in enumerate(rows)])
    return [row["id"] for row in made]


@pytest.mark.parametrize(
    ("instruction", "response", "score", "used"),
    [
        (2, 3.5, 7.0, ["evol_instruction_score", "evol_response_score"]),
        (2, None, 2, ["evol_instruction_score"]),
        (0, 3, 3, ["evol_response_score"]),
        (float("nan"), 3, 3, ["evol_response_score"]),
        (None, 0, 0, []),
    ],
)
def test_a_score_is_made_of_those_that_are_there(instruction: Any, response: Any, score: float, used: list[str]) -> None:
    [made] = DeitaFiltering().process([row(instruction, response, 1, 0)])

    assert (made["deita_score"], made["deita_score_computed_with"]) == (score, used)
    assert made["nearest_neighbor_distance"] is None


def test_the_best_rows_that_differ_are_kept_in_their_order() -> None:
    rows = [row(1, 1, 1, 0, 0), row(3, 3, 0, 1, 0), row(2, 2, 0, 0, 1), row(5, 5, 0, 0.1, 0.1), row(4, 4, 0, 0.1, 0.1)]

    assert kept(rows[:3], data_budget=2) == [1, 2]
    assert kept(rows[:3]) == [0, 1, 2]
    assert kept(rows, diversity_threshold=0.2) == [0, 1, 2]
    assert kept(rows, diversity_threshold=0.2, compare_with="selected") == [0, 1, 2, 3]


def test_compared_with_all_rows_that_are_alike_both_go_with_the_selected_ones_the_best_stays() -> None:
    rows = [row(1, 1, 1, 0), row(2, 2, 1, 0), row(1, 1, 0, 1)]

    assert kept(rows) == [2]
    assert kept(rows, compare_with="selected") == [1, 2]


@pytest.mark.parametrize("metric", ["cosine", "manhattan"])
def test_distances_are_those_of_a_table_of_all_pairs(
    metric: Literal["cosine", "manhattan"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steps.filters.nearest._ROWS", {"cosine": 7, "manhattan": 7})
    vectors = np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32)
    table = 1 - vectors @ vectors.T if metric == "cosine" else np.abs(vectors[:, None] - vectors).sum(-1)
    np.fill_diagonal(table, np.inf)

    assert nearest_of_all(vectors, metric) == pytest.approx(table.min(axis=1), rel=1e-4, abs=1e-5)


def test_without_normalizing_the_length_counts() -> None:
    rows = [row(1, 1, 2, 0), row(1, 1, 0.1, 0)]

    assert kept(rows, diversity_threshold=0.5) == []
    assert kept(rows, diversity_threshold=0.5, normalize_embeddings=False) == [0, 1]


def test_a_vector_of_zeros_is_like_no_other() -> None:
    made = list(DeitaFiltering().process([row(1, 1, 0, 0), row(1, 1, 1, 0)]))

    assert [row["nearest_neighbor_distance"] for row in made] == [1, 1]


@pytest.mark.parametrize("score", ["high", [1], True])
def test_a_score_that_is_no_number_is_refused(score: Any) -> None:
    with pytest.raises(RowError, match=r"row 1 .*'evol_response_score' holds .*, not a score"):
        kept([row(1, score, 1, 0)])
