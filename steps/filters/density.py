"""Groups of vectors that lie close together: DBSCAN, with no more pairs in memory at a time than a limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from steps.extras import extra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steps.filters.vectors import Matrix

    Numbers = NDArray[np.int64]

MOST_PAIRS = 2_000_000
COUNTED_ROWS = 1024
"""Rows whose neighbours are counted first: how many that are is not known before. Then as many at a time as that allows."""


def density_labels(vectors: Matrix, search: Any, min_samples: int) -> list[int]:
    """The group of each vector, numbered by their first vectors; -1 for none.

    `search` finds the neighbours of vectors. A vector with enough of them is a core: cores that are neighbours are in one
    group, and so are those that have a core as neighbour, in the first such group.
    """
    import numpy as np

    near = _Neighbours(vectors, search)
    is_core = near.counts >= min_samples
    cores = np.flatnonzero(is_core)
    labels = np.full(len(vectors), -1)
    labels[cores] = _in_order_of_first(_connected(near, cores, is_core)[cores])
    beyond = labels.max(initial=-1) + 1
    for some, other, starts in near.of(np.flatnonzero(~is_core & (near.counts > 0))):
        reached = np.where(is_core[other], labels[other], beyond)
        first = np.minimum.reduceat(reached, starts)
        labels[some] = np.where(first < beyond, first, -1)
    found: list[int] = labels.tolist()
    return found


class _Neighbours:
    """The neighbours of vectors: kept if they are few, else looked for again."""

    def __init__(self, vectors: Matrix, search: Any) -> None:
        import numpy as np

        self._vectors, self._search = vectors, search
        self._kept: Any = []
        counts: list[list[int]] = []
        at, size, pairs, densest = 0, COUNTED_ROWS, 0, 1
        while at < len(vectors):
            found = self._look(vectors[at : at + size])
            counts.append([len(near) for near in found])
            pairs, densest = pairs + sum(counts[-1]), max(densest, *counts[-1])
            self._kept = [*self._kept, found] if self._kept is not None and pairs <= MOST_PAIRS else None
            at += size
            size = max(COUNTED_ROWS, min(4 * size, MOST_PAIRS // densest))  # each search takes a while to start
        if self._kept is not None:
            self._kept = np.concatenate(self._kept)
        self.counts: Numbers = np.concatenate(counts)

    def of(self, rows: Numbers) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
        """Portions of the rows, their neighbours one after the other, and where those of each row begin."""
        import numpy as np

        if not len(rows):
            return
        portion = np.cumsum(self.counts[rows]) // MOST_PAIRS
        for some in np.split(rows, np.flatnonzero(np.diff(portion)) + 1):
            found = self._look(self._vectors[some]) if self._kept is None else self._kept[some]
            counts = self.counts[some]
            yield some, np.concatenate(found), np.cumsum(counts) - counts

    def _look(self, vectors: Matrix) -> Any:
        return self._search.radius_neighbors(vectors, return_distance=False)


def _connected(near: _Neighbours, cores: Numbers, is_core: Any) -> Numbers:
    """A number for each vector; cores that are connected by cores have the same."""
    import numpy as np

    sparse, graphs = (extra(module, "clustering", "finding groups") for module in ("scipy.sparse", "scipy.sparse.csgraph"))
    count = len(is_core)
    group: Numbers = np.arange(count)
    for some, other, _ in near.of(cores):
        one = np.repeat(some, near.counts[some])
        one, other = group[one[is_core[other]]], group[other[is_core[other]]]
        pairs = sparse.coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
        group = graphs.connected_components(pairs, directed=False)[1][group]
    return group


def _in_order_of_first(groups: Numbers) -> Numbers:
    """Groups numbered from 0, in the order in which they turn up."""
    import numpy as np

    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    numbered: Numbers = place[number]
    return numbered
