"""Two runs, row by row: rows are put side by side when they come from the same row of the source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Condition
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache, cached

from flows.distiset.parts import Part, chosen, leaves_of, unreadable
from flows.lineage.ids import NoLineage, RowIds
from flows.lineage.model import Comparison, Only, Pair, PairKind, Side
from flows.lineage.path import Paths, leaf_step
from flows.plan import examine
from flows.runs import RunFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAGE = 20
AT_ONCE = 2000
KEPT = 4
"""Comparisons that are remembered: a byte and two numbers a row."""

KINDS: tuple[PairKind, ...] = ("same", "changed", "a", "b")


def compare(
    a: RunFolder, b: RunFolder, leaf: str | None = None, page: int = 1, only: Only = "all", size: int = PAGE
) -> Comparison:
    """Compare the results of two runs.

    Raises:
        UnknownPart: One has no such leaf.
        UnreadableRows: A file of one cannot be read.
        NoLineage: Nothing was noted of where its rows came from.
    """
    import numpy as np

    of_a = chosen(a, leaves_of(a), leaf)
    wanted, of_b = of_a.name, chosen(b, leaves_of(b), of_a.name)
    found = _compared((a, of_a), (b, of_b))
    shown = np.arange(len(found.kinds)) if only == "all" else np.flatnonzero(found.kinds == KINDS.index(only))
    pages = max(1, -(-len(shown) // size))
    page = min(max(1, page), pages)
    at = shown[(page - 1) * size : page * size]
    with Rows(of_a) as one, Rows(of_b) as other:
        rows_a, rows_b = one.take(found.of_a[at].tolist()), other.take(found.of_b[at].tolist())
        columns = list(dict.fromkeys([*one.columns, *other.columns]))
    counts = np.bincount(found.kinds, minlength=len(KINDS)).tolist()
    pairs = []
    for number, row_a, row_b in zip(at.tolist(), rows_a, rows_b, strict=True):
        both = row_a is not None and row_b is not None
        pairs.append(
            Pair(
                kind=KINDS[found.kinds[number]],
                a=_index(found.of_a[number]),
                b=_index(found.of_b[number]),
                changed=[name for name in columns if both and not _is_same((row_a or {}).get(name), (row_b or {}).get(name))],
                row_a=row_a,
                row_b=row_b,
            )
        )
    sides = {"a": _side(a, one.total), "b": _side(b, other.total)}
    told = dict(zip(("same", "changed", "only_a", "only_b"), counts, strict=True))
    return Comparison(
        leaf=wanted, **sides, **told, columns=columns, changes=found.changes, only=only, page=page, pages=pages, pairs=pairs
    )


def _index(number: Any) -> int | None:
    return int(number) if number >= 0 else None


def _side(run: RunFolder, rows: int) -> Side:
    report = run.report()
    used = report.usage
    return Side(
        run_id=run.run_id, state=report.state, rows=rows, duration_s=report.duration_s, requests=used.requests, cost=used.cost
    )


# ---- which rows belong together


@dataclass(frozen=True, slots=True)
class _Found:
    """Each pair's row in both runs (-1: none), its kind, and how often each column differs."""

    of_a: NDArray[np.int64]
    of_b: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    changes: dict[str, int]


@cached(LRUCache(KEPT), key=lambda a, b: (a[1].stamp, b[1].stamp), condition=Condition())
def _compared(a: tuple[RunFolder, Part], b: tuple[RunFolder, Part]) -> _Found:
    import numpy as np

    with Rows(a[1]) as rows_a, Rows(b[1]) as rows_b:
        of_a, of_b = _aligned(_keys(*a, rows_a.total), _keys(*b, rows_b.total))
        kinds = np.where(of_b < 0, KINDS.index("a"), np.where(of_a < 0, KINDS.index("b"), 0)).astype(np.uint8)
        changes: dict[str, int] = {}
        both = np.flatnonzero((of_a >= 0) & (of_b >= 0))
        for start in range(0, len(both), AT_ONCE):
            at = both[start : start + AT_ONCE]
            differs = np.zeros(len(at), dtype=bool)
            table_a, table_b = rows_a.table(of_a[at]), rows_b.table(of_b[at])
            for name in dict.fromkeys([*rows_a.columns, *rows_b.columns]):
                mine = _differs(table_a, table_b, name, len(at))
                changes[name] = changes.get(name, 0) + int(mine.sum())
                differs |= mine
            kinds[at[differs]] = KINDS.index("changed")
    often = dict(sorted(((name, count) for name, count in changes.items() if count), key=lambda one: -one[1]))
    return _Found(of_a, of_b, kinds, often)


def _keys(run: RunFolder, part: Part, count: int) -> list[NDArray[Any]]:
    """What tells rows apart in every run, as columns of numbers: the key of the row they began as, then their numbers since.

    Raises:
        NoLineage: Nothing was noted of it.
    """
    import numpy as np

    ids = RowIds(run.distiset, part.name)
    plan, _ = examine(run.spec())
    step = leaf_step(plan, part.name)
    roots = ids.roots(Paths(plan, ids.root).begin_of(step)) if step else None
    if not count:
        return [np.empty(0, dtype=np.uint64)] * 2
    places = ids.places(count)
    if roots is None or places[:, 0].max() >= len(roots):
        fix = "run its pipeline again with the same --run-id: what is finished is not done again"
        raise NoLineage(f"nothing is noted of where the rows of run {run.run_id!r} came from", fix)
    halves = roots.view("<u8").reshape(-1, 2)[places[:, 0]]
    return [halves[:, 0], halves[:, 1], *places[:, 1:].astype(np.uint64).T]


def _aligned(a: list[NDArray[Any]], b: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows: those of `a` in their order, then those that only `b` has."""
    import numpy as np

    count_a, count_b = len(a[0]), len(b[0])
    width = max(len(a), len(b))  # where only one run made several rows of one, the other's is the first of them
    columns = []
    for at in range(width):
        of_a = a[at] if at < len(a) else np.zeros(count_a, dtype=np.uint64)
        of_b = b[at] if at < len(b) else np.zeros(count_b, dtype=np.uint64)
        columns.append(np.concatenate([of_a, of_b]))
    order = np.lexsort(columns[::-1])
    is_next = np.ones(max(0, len(order) - 1), dtype=bool)
    for column in columns:
        is_next &= column[order][1:] == column[order][:-1]
    matched = np.flatnonzero(is_next)
    first, second = order[matched], order[matched + 1]
    is_pair = (first < count_a) & (second >= count_a)
    partner = np.full(count_a, -1, dtype=np.int64)
    partner[first[is_pair]] = second[is_pair] - count_a
    rest = np.setdiff1d(np.arange(count_b), partner[partner >= 0])
    return np.concatenate([np.arange(count_a), np.full(len(rest), -1)]), np.concatenate([partner, rest])


def _differs(a: Any, b: Any, name: str, count: int) -> NDArray[np.bool_]:
    """Where a column differs between two tables of as many rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in a.column_names or name not in b.column_names:
        present = (a if name in a.column_names else b).column(name)
        return np.asarray(pc.is_valid(present).combine_chunks().to_numpy(zero_copy_only=False), dtype=bool)
    one, other = a.column(name), b.column(name)
    if one.type == other.type and not pa.types.is_nested(one.type) and not pa.types.is_floating(one.type):
        equal = pc.or_(pc.fill_null(pc.equal(one, other), False), pc.and_(pc.is_null(one), pc.is_null(other)))
        return ~np.asarray(equal.combine_chunks().to_numpy(zero_copy_only=False), dtype=bool)
    pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
    return np.fromiter((not _is_same(mine, its) for mine, its in pairs), dtype=bool, count=count)


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)


# ---- reading rows


class Rows:
    """The rows of a leaf, read by their numbers; the row group that was read last is kept."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._files = part.open()
        self._group: tuple[int, Any] = (-1, None)

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *about: object) -> None:
        for file in self._files:
            file.close()

    @cached_property
    def columns(self) -> list[str]:
        return list(self._files[0].schema_arrow.names)

    @cached_property
    def _groups(self) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
        """Row groups, as file and number in it, and how many rows there are up to the end of each."""
        import numpy as np

        groups = [(at, group) for at, file in enumerate(self._files) for group in range(file.num_row_groups)]
        rows = [self._files[at].metadata.row_group(group).num_rows for at, group in groups]
        return groups, np.cumsum(rows, dtype=np.int64)

    @property
    def total(self) -> int:
        _, ends = self._groups
        return int(ends[-1]) if len(ends) else 0

    def table(self, numbers: NDArray[np.int64]) -> Any:
        """The rows with these numbers, in this order, as a table."""
        import numpy as np
        import pyarrow as pa

        groups, ends = self._groups
        which = np.searchsorted(ends, numbers, side="right")
        parts, order = [], []
        for group in np.unique(which).tolist():
            at = np.flatnonzero(which == group)
            before = int(ends[group - 1]) if group else 0
            if self._group[0] != group:
                self._group = (group, self._read(*groups[group]))
            parts.append(self._group[1].take(numbers[at] - before))
            order.append(at)
        if not parts:
            return self._files[0].schema_arrow.empty_table()
        return pa.concat_tables(parts).take(np.argsort(np.concatenate(order)))

    def _read(self, file: int, group: int) -> Any:
        import pyarrow as pa

        try:
            return self._files[file].read_row_group(group)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self._part.files[file], error) from error

    def take(self, numbers: list[int]) -> list[dict[str, Any] | None]:
        """The rows with these numbers; None for -1."""
        import numpy as np

        present = [number for number in numbers if number >= 0]
        found = iter(self.table(np.asarray(present, dtype=np.int64)).to_pylist())
        return [next(found) if number >= 0 else None for number in numbers]
