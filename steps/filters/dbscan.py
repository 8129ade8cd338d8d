"""Groups of rows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from pydantic import Field

from steps.base import GlobalStep, Group, Row
from steps.errors import RunError
from steps.extras import extra
from steps.filters.density import density_labels
from steps.filters.vectors import check_vector, read_vectors

FEW_NUMBERS = 131_072
"""Vectors of fewer together are searched sooner than threads can be started."""


class DBSCAN(GlobalStep):
    """Puts rows whose vectors lie close together into groups, numbered from 0.

    A group grows from rows with at least `min_samples` rows, itself included, within `eps`. Rows that belong to none get
    the label -1. It is made for short vectors, such as UMAP's.

    Needs `pip install 'distilflow[clustering]'`. It takes the longer the more pairs are closer than `eps`.

    After A Density-Based Algorithm for Discovering Clusters in Large Spatial Databases with Noise,
    https://dl.acm.org/doi/10.5555/3001460.3001507

    Example:
        >>> rows = [{"projection": [0.0, at]} for at in (0.0, 0.1, 0.2, 9.0)]
        >>> [row["cluster_label"] for row in DBSCAN(min_samples=2).process(rows)]
        [0, 0, 0, -1]
    """

    group: ClassVar[Group] = "filters"
    inputs = ("projection",)
    outputs = ("cluster_label",)

    eps: float = Field(default=0.3, gt=0, description="How close two rows must be to be neighbours.")
    min_samples: int = Field(default=30, ge=1, description="Neighbours, itself included, that make a row part of a group.")
    metric: str = Field(default="euclidean", description="How vectors are compared: euclidean, manhattan, cosine ...")
    n_jobs: int = Field(default=8, ge=-1, description="Cores to use; -1 for all.")

    def load(self) -> None:
        self._library()

    def check_row(self, row: Row) -> None:
        check_vector(row, "projection")

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        if not len(rows):
            return
        vectors = read_vectors(rows, len(rows), "projection")
        search = self._library().NearestNeighbors(radius=self.eps, metric=self.metric, n_jobs=self._threads(vectors.size))
        try:
            labels = density_labels(vectors, search.fit(vectors), self.min_samples)
        except ValueError as error:
            raise RunError(f"DBSCAN cannot work with these parameters: {error}", "see `metric`") from error
        for row, label in zip(rows, labels, strict=True):
            yield {**row, "cluster_label": label}

    def _threads(self, size: int) -> int:
        if size < FEW_NUMBERS:
            return 1
        most = os.cpu_count() or 1
        return most if self.n_jobs < 0 else min(max(1, self.n_jobs), most)  # more than there are cores only cost time

    def _library(self) -> Any:
        return extra("sklearn.neighbors", "clustering", "finding groups")
