from __future__ import annotations

import re
import sys
from itertools import pairwise

import numpy as np
import pytest

from steps.base import Row
from steps.errors import RunError
from steps.filters.dbscan import DBSCAN
from steps.filters.umap import UMAP

pytestmark = pytest.mark.xdist_group("umap")
"""numba compiles it once in each process."""


def two_groups(count: int) -> list[Row]:
    """Rows of two kinds by turns, far apart."""
    vectors = np.random.default_rng(2).normal(size=(count, 6)) + 50 * (np.arange(count) % 2)[:, None]
    return [{"embedding": vector} for vector in vectors.tolist()]


def test_rows_that_are_alike_lie_side_by_side() -> None:
    made = list(UMAP(random_state=1).process(two_groups(60)))

    labels = [row["cluster_label"] for row in DBSCAN(eps=3, min_samples=3).process(made)]

    assert {len(row["projection"]) for row in made} == {2}
    assert len(set(labels[::2]) & set(labels[1::2]) - {-1}) == 0


def test_the_same_seed_makes_the_same_map() -> None:
    first, again = (list(UMAP(random_state=7).process(two_groups(20))) for _ in range(2))

    assert first == again


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("components", [2, 4])
def test_few_rows_have_a_place_too(count: int, components: int) -> None:
    made = list(UMAP(n_components=components).process(two_groups(count)))

    assert [len(row["projection"]) for row in made] == [components] * count
    assert np.isfinite([row["projection"] for row in made]).all()


def test_equal_rows_lie_in_one_place() -> None:
    made = list(UMAP().process([{"embedding": [1.0, 2.0]}] * 5))

    assert all(one["projection"] == other["projection"] for one, other in pairwise(made))


def test_a_metric_that_does_not_exist_is_told() -> None:
    with pytest.raises(RunError, match="UMAP cannot work with these parameters: metric"):
        list(UMAP(metric="nope").process(two_groups(9)))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)

    with pytest.raises(RunError, match=re.escape("pip install 'distilflow[clustering]'")):
        UMAP().load()
