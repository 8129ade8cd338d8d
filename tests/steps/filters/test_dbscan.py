from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from steps.errors import RowError, RunError
from steps.filters.dbscan import DBSCAN


def labels(*places: Any, **params: Any) -> list[int]:
    return [row["cluster_label"] for row in DBSCAN(**params).process([{"projection": place} for place in places])]


def test_rows_that_lie_together_get_one_label_and_others_none() -> None:
    assert labels([0, 0], [0, 0.2], [5, 5], [5, 5.2], [9, 9], min_samples=2) == [0, 0, 1, 1, -1]


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
@pytest.mark.parametrize("most_pairs", [1, 500, 10_000])
@pytest.mark.parametrize("eps", [0.01, 0.2, 0.5])
def test_it_says_the_same_as_the_library(metric: str, most_pairs: int, eps: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.filters.density.MOST_PAIRS", most_pairs)
    monkeypatch.setattr("steps.filters.density.COUNTED_ROWS", 40)
    places = np.random.default_rng(4).normal(size=(100, 2)).astype(np.float32)
    library: Any = import_module("sklearn.cluster")

    said = labels(*places.tolist(), eps=eps, min_samples=4, metric=metric, n_jobs=1)

    assert said == library.DBSCAN(eps=eps, min_samples=4, metric=metric).fit(places).labels_.tolist()


def test_with_fewer_rows_than_a_group_needs_there_is_none() -> None:
    assert labels([0, 0], [0, 0.1]) == [-1, -1]


@pytest.mark.parametrize("most_pairs", [1, 100])
def test_a_row_that_is_not_even_near_itself_has_none(most_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.filters.density.MOST_PAIRS", most_pairs)
    zeros, places = [0.0, 0.0], [[1.0, 0.0], [1.0, 0.01]]

    assert labels(zeros, *places, zeros, min_samples=2, metric="cosine") == [-1, 0, 0, -1]


@pytest.mark.parametrize(("n_jobs", "threads"), [(8, 2), (2, 2), (1, 1), (0, 1), (-1, 2)])
def test_it_takes_no_more_threads_than_there_are_cores(n_jobs: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    assert DBSCAN(n_jobs=n_jobs)._threads(1_000_000) == threads


def test_labels_are_plain_numbers() -> None:
    assert {type(label) for label in labels([0.0], [0.1], min_samples=1)} == {int}


def test_another_length_is_refused() -> None:
    with pytest.raises(RowError, match=r"row 2 .*'projection' holds 1 numbers"):
        labels([0.0, 1.0], [0.0])


def test_a_metric_that_does_not_exist_is_told() -> None:
    with pytest.raises(RunError, match="'metric' parameter of NearestNeighbors"):
        labels([0.0], metric="nope")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.neighbors", None)

    with pytest.raises(RunError, match=re.escape("needs `sklearn`")):
        DBSCAN().load()
