"""How far each vector is from the nearest other one. Piece by piece, so that no table of all pairs is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steps.filters.vectors import Matrix

Metric = Literal["cosine", "manhattan"]

_ROWS: dict[Metric, int] = {"cosine": 2048, "manhattan": 128}
"""Rows that are compared with as many others at a time. Manhattan needs all their differences at once."""


def distances(some: Matrix, others: Matrix, metric: Metric) -> Any:
    """How far each of some vectors is from each of the others."""
    import numpy as np

    if metric == "cosine":
        return 1 - some @ others.T
    return np.abs(some[:, None] - others).sum(-1)


def nearest_of_all(vectors: Matrix, metric: Metric) -> NDArray[np.float32]:
    """For each vector the distance to the nearest of the others: endless if there is none."""
    import numpy as np

    size, count = _ROWS[metric], len(vectors)
    found = np.full(count, np.inf, np.float32)
    for start in range(0, count, size):
        some = vectors[start : start + size]
        for other in range(start, count, size):  # a pair is looked at once
            apart = distances(some, vectors[other : other + size], metric)
            if other == start:
                np.fill_diagonal(apart, np.inf)
            else:
                np.minimum(found[other : other + size], apart.min(axis=0), out=found[other : other + size])
            np.minimum(found[start : start + size], apart.min(axis=1), out=found[start : start + size])
    return found


class NearestSelected:
    """Vectors that are selected one after the other, and how far one is from the nearest of them."""

    def __init__(self, vectors: Matrix, metric: Metric) -> None:
        import numpy as np

        self._vectors, self._metric = vectors, metric
        self._selected = np.empty((64, vectors.shape[1]), np.float32)
        self._count = 0

    def distance(self, at: int) -> float:
        if not self._count:
            return float("inf")
        return min(
            float(
                distances(
                    self._vectors[at : at + 1], self._selected[start : min(start + 4096, self._count)], self._metric
                ).min()
            )
            for start in range(0, self._count, 4096)
        )

    def add(self, at: int) -> None:
        import numpy as np

        if self._count == len(self._selected):
            self._selected = np.concatenate([self._selected, np.empty_like(self._selected)])
        self._selected[self._count] = self._vectors[at]
        self._count += 1
