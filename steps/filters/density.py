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

MOST_PAIRS = 1_000_000
COUNTED_ROWS = 1024
"""Rows whose neighbours are counted at a time: how many that are is not known before."""


def density_labels(vectors: Matrix, search: Any, min_samples: int) -> list[int]:
    """The group of each vector, numbered by their first vectors; -1 for none.

    `search` finds the neighbours of vectors. A vector with enough of them is a core: cores that are neighbours are in one
    group, and so are those that have a core as neighbour, in the first such group.
    """
    import numpy as np

    counts = np.concatenate(
        [[len(near) for near in _near(search, vectors[at : at + COUNTED_ROWS])] for at in range(0, len(vectors), COUNTED_ROWS)]
    )
    is_core = counts >= min_samples
    cores = np.flatnonzero(is_core)
    labels = np.full(len(vectors), -1)
    labels[cores] = _in_order_of_first(_connected(vectors, search, cores, is_core, counts)[cores])
    for some in _portions(np.flatnonzero(~is_core), counts):
        for row, near in zip(some, _near(search, vectors[some]), strict=True):
            reached = labels[near[is_core[near]]]
            labels[row] = reached.min() if len(reached) else -1
    found: list[int] = labels.tolist()
    return found


def _connected(vectors: Matrix, search: Any, cores: Numbers, is_core: Any, counts: Numbers) -> Numbers:
    """A number for each vector; cores that are connected by cores have the same."""
    import numpy as np

    sparse, graphs = (extra(module, "clustering", "finding groups") for module in ("scipy.sparse", "scipy.sparse.csgraph"))
    count = len(vectors)
    group: Numbers = np.arange(count)
    for some in _portions(cores, counts):
        near = _near(search, vectors[some])
        one, other = np.repeat(some, [len(found) for found in near]), np.concatenate(near)
        one, other = group[one[is_core[other]]], group[other[is_core[other]]]
        pairs = sparse.coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
        group = graphs.connected_components(pairs, directed=False)[1][group]
    return group


def _portions(rows: Numbers, counts: Numbers) -> Iterator[Numbers]:
    """The rows in portions that have so many neighbours together."""
    import numpy as np

    if len(rows):
        portion = np.cumsum(counts[rows]) // MOST_PAIRS
        yield from np.split(rows, np.flatnonzero(np.diff(portion)) + 1)


def _near(search: Any, vectors: Matrix) -> Any:
    return search.radius_neighbors(vectors, return_distance=False)


def _in_order_of_first(groups: Numbers) -> Numbers:
    """Groups numbered from 0, in the order in which they turn up."""
    import numpy as np

    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    numbered: Numbers = place[number]
    return numbered
