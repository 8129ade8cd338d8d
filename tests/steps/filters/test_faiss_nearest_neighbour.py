from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps.artifacts import artifacts_in
from steps.base import Row
from steps.errors import RunError
from steps.filters.embedding_dedup import EmbeddingDedup
from steps.filters.faiss_nearest_neighbour import FaissNearestNeighbour


def rows_of(count: int, length: int = 8) -> list[Row]:
    return [{"embedding": vector} for vector in np.random.default_rng(5).normal(size=(count, length)).tolist()]


def found(rows: list[Row], **params: Any) -> list[Row]:
    return list(FaissNearestNeighbour(**params).process(rows))


def test_the_neighbours_are_those_that_are_nearest() -> None:
    rows = rows_of(120)
    vectors = np.array([row["embedding"] for row in rows])
    apart = ((vectors[:, None] - vectors) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)

    made = found(rows, k=3, search_batch_size=7)

    assert [row["nn_indices"] for row in made] == np.argsort(apart)[:, :3].tolist()
    assert made[0]["nn_scores"] == pytest.approx(np.sort(apart)[0, :3].tolist(), rel=1e-4)


def test_a_row_is_not_its_own_neighbour_though_others_equal_it() -> None:
    made = found([{"embedding": [1.0, 2.0]}] * 3, k=2)

    assert [sorted(row["nn_indices"]) for row in made] == [[1, 2], [0, 2], [0, 1]]


def test_by_the_inner_product_longer_vectors_do_not_hide_the_row_itself() -> None:
    made = found([{"embedding": [1.0, 0.0]}, {"embedding": [5.0, 0.0]}, {"embedding": [9.0, 0.0]}], metric_type=0)

    assert [row["nn_indices"] for row in made] == [[2], [2], [1]]


def test_with_few_rows_the_lists_are_shorter() -> None:
    assert [len(row["nn_indices"]) for row in found(rows_of(3), k=10)] == [2, 2, 2]
    assert found(rows_of(1))[0]["nn_indices"] == []


@pytest.mark.parametrize("factory", ["HNSW16", "IVF2,Flat"])
def test_another_kind_of_index_can_be_named(factory: str) -> None:
    made = found(rows_of(100), string_factory=factory, train_size=90, k=2)

    assert {len(row["nn_indices"]) for row in made} == {2}


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"string_factory": "nope"}, "no index 'nope' for 8 numbers and metric 1: could not parse"),
        ({"string_factory": "IVF300,Flat"}, "'IVF300,Flat' cannot be trained with 20 rows"),
        ({"metric_type": 999}, "metric 999"),
        ({"device": 0}, "no GPU"),
    ],
)
def test_what_the_library_cannot_do_is_told_in_words(params: dict[str, Any], what: str) -> None:
    with pytest.raises(RunError, match=what) as refused:
        found(rows_of(20), **params)

    assert refused.value.fix
    assert "/project/" not in refused.value.message


def test_duplicates_are_found_by_what_it_says() -> None:
    rows = [{"embedding": vector} for vector in ([1.0, 0.0], [0.0, 1.0], [1.0, 0.001])]

    made = EmbeddingDedup().process(found(rows, metric_type=0))

    assert [row["keep_row_after_embedding_filtering"] for row in made] == [True, True, False]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)

    with pytest.raises(RunError, match=re.escape("pip install 'distilflow[embeddings]'")):
        FaissNearestNeighbour().load()


@pytest.mark.parametrize("factory", [None, "HNSW16"])
def test_the_index_is_left_beside_the_rows(tmp_path: Path, factory: str | None) -> None:
    import faiss

    step, rows = FaissNearestNeighbour(k=3, string_factory=factory), rows_of(50)
    step.keep_artifacts_in(tmp_path)

    made = list(step.process(rows))

    folder = artifacts_in(tmp_path)["faiss_index"]
    about = {"num_rows": 50, "embedding_dim": 8, "metric_type": 1}
    assert json.loads((folder / "metadata.json").read_text()) == about
    index = faiss.read_index(str(folder / "index.faiss"))
    _, near = index.search(np.array([row["embedding"] for row in rows], np.float32), 4)
    assert [[at for at in found if at != number][:3] for number, found in enumerate(near.tolist())] == [
        row["nn_indices"] for row in made
    ]


def test_the_index_can_be_left_out(tmp_path: Path) -> None:
    step = FaissNearestNeighbour(save_index=False)
    step.keep_artifacts_in(tmp_path)

    assert len(list(step.process(rows_of(5)))) == 5
    assert artifacts_in(tmp_path) == {}
