"""Vectors of fewer numbers."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from pydantic import Field

from steps.base import GlobalStep, Group, Row
from steps.errors import RunError
from steps.extras import extra
from steps.filters.vectors import check_vector, read_vectors

NEIGHBORS = 15
"""As many as the library takes by default."""


class UMAP(GlobalStep):
    """Turns vectors into short ones, so that rows that are alike lie side by side.

    Two numbers can be drawn as a map. Without `random_state` each run gives another map; with one it works on a single
    core.

    Needs `pip install 'distilflow[clustering]'`. Some hundred rows at least make a map that says something.

    After UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction, https://arxiv.org/abs/1802.03426

    Example:
        >>> list(UMAP().process([{"embedding": [0.1, 0.9, 0.3]}]))
        [{'embedding': [0.1, 0.9, 0.3], 'projection': [0.0, 0.0]}]
    """

    group: ClassVar[Group] = "filters"
    inputs = ("embedding",)
    outputs = ("projection",)

    n_components: int = Field(default=2, ge=1, le=100, description="Numbers that are left of a vector.")
    metric: str = Field(default="euclidean", description="How vectors are compared: euclidean, cosine, manhattan ...")
    n_jobs: int = Field(default=8, ge=-1, description="Cores to use; -1 for all.")
    random_state: int | None = Field(default=None, ge=0, lt=2**32, description="Same number, same map; empty for chance.")

    def load(self) -> None:
        self._library()

    def check_row(self, row: Row) -> None:
        check_vector(row, "embedding")

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        if not len(rows):
            return
        vectors = read_vectors(rows, len(rows), "embedding")
        for row, projection in zip(rows, self._map(vectors), strict=True):
            yield {**row, "projection": projection.tolist()}

    def _map(self, vectors: Any) -> Any:
        import numpy as np

        count = len(vectors)
        if count < 3 or (vectors.min(axis=0) == vectors.max(axis=0)).all():  # nothing to tell apart
            return np.tile(np.arange(count, dtype=np.float32)[:, None] * (count == 2), self.n_components)
        model = self._library().UMAP(
            n_components=self.n_components,
            metric=self.metric,
            n_neighbors=min(NEIGHBORS, count - 1),
            n_jobs=self._threads(),
            random_state=self.random_state,
            init="spectral" if count > self.n_components + 2 else "random",  # spectral needs more rows than numbers
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return model.fit_transform(vectors)
        except ValueError as error:
            raise RunError(f"UMAP cannot work with these parameters: {error}", "see `metric`") from error

    def _threads(self) -> int:
        most: int = extra("numba", "clustering", "making a map").config.NUMBA_NUM_THREADS
        if self.random_state is not None:
            return 1
        return min(self.n_jobs, most) if self.n_jobs > 0 else most  # it refuses more than there are cores

    def _library(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Tensorflow, which it can do without
            return extra("umap", "clustering", "making a map")
