"""Which rows are alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from steps.base import GlobalStep, Group, Row
from steps.errors import RunError
from steps.extras import extra
from steps.filters.vectors import CHUNK_ROWS, check_vector, read_vectors, vectors_by_chunk

if TYPE_CHECKING:
    from steps.filters.vectors import Matrix

_INNER_PRODUCT = 0
_DISTANCES = frozenset({1, 2, 3, 4, 20, 21, 22})
"""Metrics of faiss in which what is alike has small scores: L2, L1, Linf, Lp, Canberra, Bray-Curtis, Jensen-Shannon."""


class FaissNearestNeighbour(GlobalStep):
    """Finds the rows whose vectors are nearest to each row's.

    `nn_indices` are the numbers of those rows, from 0 in the order in which they come here, the nearest first; `nn_scores`
    say how near they are: distances (squared, for the default metric 1), or similarities if `metric_type` is 0, the inner
    product. A row is not its own neighbour; with fewer rows than `k` the lists are shorter. Without `string_factory` every
    vector is compared with every other, exactly.

    The index is left beside the rows, as the artifact `faiss_index`: `faiss.read_index` of its `index.faiss` finds rows by
    their number. It takes as much room as the vectors.

    Needs `pip install 'distilflow[embeddings]'`. The index lies in memory, and the rows are read twice.

    After The Faiss Library, https://arxiv.org/abs/2401.08281

    Example:
        >>> rows = [{"embedding": [1.0, 0.0]}, {"embedding": [0.0, 1.0]}, {"embedding": [0.8, 0.6]}]
        >>> [row["nn_indices"] for row in FaissNearestNeighbour(metric_type=0).process(rows)]
        [[2], [2], [0]]
    """

    group: ClassVar[Group] = "filters"
    inputs = ("embedding",)
    outputs = ("nn_indices", "nn_scores")

    device: int | list[int] | None = Field(
        default=None, description="Number of the GPU, or several; negative for all; empty for the CPU. Needs faiss for GPUs."
    )
    string_factory: str | None = Field(
        default=None, description="Kind of index, such as IVF300,Flat or HNSW32; empty to compare all with all."
    )
    metric_type: int | None = Field(
        default=None,
        ge=0,
        description="Number of a metric of faiss: 0 inner product, 1 Euclidean (also if empty), 2 Manhattan.",
    )
    k: int = Field(default=1, ge=1, description="Neighbours to find.")
    search_batch_size: int = Field(default=1024, ge=1, description="Rows that are looked up at a time.")
    train_size: int | None = Field(
        default=None, ge=1, description="Rows that an index is trained with; empty for all, if it needs training."
    )
    save_index: bool = Field(default=True, description="Keep the index, as an artifact.")

    def load(self) -> None:
        self._library()

    def check_row(self, row: Row) -> None:
        check_vector(row, "embedding")

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        if not len(rows):
            return
        index = self._index(rows)
        if self.save_index:
            about = {"num_rows": index.ntotal, "embedding_dim": index.d, "metric_type": index.metric_type}
            self.save_artifact("faiss_index", lambda folder: self._write(index, folder / "index.faiss"), about)
        first = 0
        for batch, vectors in vectors_by_chunk(rows, "embedding", self.search_batch_size):
            scores, indices = self._search(index, vectors)
            for number, (row, found, near) in enumerate(zip(batch, indices.tolist(), scores.tolist(), strict=True), first):
                others = [pair for pair in zip(found, near, strict=True) if pair[0] not in (number, -1)][: self.k]
                yield {**row, "nn_indices": [index for index, _ in others], "nn_scores": [score for _, score in others]}
            first += len(batch)

    def _write(self, index: Any, path: Path) -> None:
        faiss = self._library()
        faiss.write_index(index if self.device is None else faiss.index_gpu_to_cpu(index), str(path))

    def _search(self, index: Any, vectors: Matrix) -> Any:
        try:
            return index.search(vectors, self.k + 1)  # one more: most rows find themselves
        except RuntimeError as error:
            raise RunError(
                f"faiss cannot search with metric {self.metric_type}: {_reason(error)}", "see `metric_type`"
            ) from error

    def _index(self, rows: Collection[Row]) -> Any:
        index: Any = None
        for _, vectors in vectors_by_chunk(rows, "embedding", CHUNK_ROWS):
            if index is None:
                index = self._empty_index(vectors.shape[1])
                if not index.is_trained:
                    self._train(index, rows)
            index.add(vectors)
        return index

    def _train(self, index: Any, rows: Collection[Row]) -> None:
        count = min(self.train_size or len(rows), len(rows))
        try:
            index.train(read_vectors(islice(iter(rows), count), count, "embedding"))
        except RuntimeError as error:
            raise RunError(
                f"index {self.string_factory!r} cannot be trained with {count} rows: {_reason(error)}",
                "name one with fewer parts, such as Flat, or give it more rows",
            ) from error

    @property
    def scores(self) -> Literal["similarities", "distances"] | None:
        """What `nn_scores` are; None for metrics that are not known here."""
        if self.metric_type == _INNER_PRODUCT:
            return "similarities"
        return "distances" if self.metric_type is None or self.metric_type in _DISTANCES else None

    def _empty_index(self, length: int) -> Any:
        faiss = self._library()
        metric = faiss.METRIC_L2 if self.metric_type is None else self.metric_type
        try:
            index = faiss.index_factory(length, self.string_factory or "Flat", metric)
        except RuntimeError as error:
            raise RunError(
                f"faiss has no index {self.string_factory!r} for {length} numbers and metric {metric}: {_reason(error)}",
                "see https://github.com/facebookresearch/faiss/wiki/The-index-factory",
            ) from error
        return index if self.device is None else self._on_gpu(faiss, index)

    def _on_gpu(self, faiss: Any, index: Any) -> Any:
        if not hasattr(faiss, "index_cpu_to_gpus_list") or not faiss.get_num_gpus():
            raise RunError("faiss finds no GPU here", "leave `device` empty, or install faiss for GPUs")
        if isinstance(self.device, int) and self.device < 0:
            return faiss.index_cpu_to_all_gpus(index)
        gpus = [self.device] if isinstance(self.device, int) else self.device
        return faiss.index_cpu_to_gpus_list(index, gpus=gpus)

    def _library(self) -> Any:
        return extra("faiss", "embeddings", "finding neighbours")


def _reason(error: RuntimeError) -> str:
    """What faiss says, without the place in its code."""
    return re.sub(r"(?s)^Error in .* at \S+:\d+: (?:Error: .* failed: )?", "", str(error)).strip()
