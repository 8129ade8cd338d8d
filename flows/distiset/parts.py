"""The rows of a run's result, part by part: which files hold them, one row, or all of them, with the changes made by hand."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Lock
from typing import Any

from cachetools import LRUCache, cached

from flows.distiset.by_hand import CHANGES, ByHand, Standing, settle
from flows.distiset.folders import NotADistiset, leaves_in
from flows.runs import RunFolder
from steps.base import Row
from steps.errors import RunError

BATCH_ROWS = 2000
SETTLED_KEPT = 16

Stamp = tuple[Any, ...]


class UnreadableRows(RunError):
    """A file of the result is torn, gone, or not Parquet."""

    code = "unreadable-rows"


class UnknownPart(RunError):
    """The result of a run has no such part, or there is no result."""

    code = "unknown-part"


@dataclass(frozen=True)
class Part:
    """One leaf and split of a result, or a leaf with all its splits. `stamp` differs whenever its files do."""

    name: str
    files: tuple[Path, ...]
    stamp: Stamp

    def open(self) -> list[Any]:
        """Its files as `pyarrow.parquet.ParquetFile`; the caller closes them.

        Raises:
            UnreadableRows: One of them cannot be read.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        opened: list[Any] = []
        try:
            for path in self.files:
                opened.append(pq.ParquetFile(path))
        except (OSError, pa.ArrowException) as error:
            for file in opened:
                file.close()
            raise unreadable(path, error) from error
        return opened

    def count(self) -> int:
        """How many rows it has, as the engine wrote it.

        Raises:
            UnreadableRows: A file cannot be read.
        """
        files = self.open()
        for file in files:
            file.close()
        return sum(file.metadata.num_rows for file in files)

    def rows(self, start: int = 0, size: int | None = None) -> Iterator[tuple[int, Row]]:
        """Rows with their place, as the engine wrote them; only the row groups they lie in are read.

        Raises:
            UnreadableRows: A file cannot be read.
        """
        import pyarrow as pa

        files = self.open()
        before, stop = 0, None if size is None else start + size
        try:
            for file in files:
                for group in range(file.num_row_groups):
                    rows = file.metadata.row_group(group).num_rows
                    low, high = max(start, before), before + rows if stop is None else min(stop, before + rows)
                    if low < high:
                        found = file.read_row_group(group).slice(low - before, high - low)
                        for batch in found.to_batches(max_chunksize=BATCH_ROWS):
                            yield from enumerate(batch.to_pylist(), low)
                            low += batch.num_rows
                    before += rows
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self.files[0], error) from error
        finally:
            for file in files:
                file.close()

    def row(self, index: int) -> Row | None:
        """One row; None when there is none at this place."""
        return self.rows_at([index]).get(index)

    def rows_at(self, indexes: Iterable[int]) -> dict[int, Row]:
        """Those of some rows that there are, by place; each row group is read once."""
        import pyarrow as pa

        wanted = sorted(index for index in set(indexes) if index >= 0)
        found: dict[int, Row] = {}
        files = self.open() if wanted else []
        before = 0
        try:
            for file in files:
                for group in range(file.num_row_groups):
                    rows = file.metadata.row_group(group).num_rows
                    first, last = bisect_left(wanted, before), bisect_left(wanted, before + rows)
                    if first < last:
                        table = file.read_row_group(group)
                        for index in wanted[first:last]:
                            found[index] = table.slice(index - before, 1).to_pylist()[0]
                    before += rows
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self.files[0], error) from error
        finally:
            for file in files:
                file.close()
        return found


def unreadable(path: Path, error: Exception) -> UnreadableRows:
    """What to say of a file of a result that cannot be read."""
    said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    where = f"{path.parent.name}/{path.name}"
    fix = "the file is torn or gone: run the pipeline again under the same id; finished work is kept"
    return UnreadableRows(f"{where} cannot be read ({said.replace(str(path), where)})", fix)


def parts_of(run: RunFolder) -> dict[str, Part]:
    """Parts of the result by name ("default / train"), in order; none before there is a result.

    Links that lead out of the result are left out.
    """
    try:
        folder = run.distiset
        found = leaves_in(folder)
    except NotADistiset:
        return {}
    parts = {}
    for leaf, splits in found.items():
        for split, files in splits.items():
            own = tuple(path.absolute() for path in files if not path.is_symlink() and not path.parent.is_symlink())
            if own:
                parts[f"{leaf} / {split}"] = Part(f"{leaf} / {split}", own, _stamp(own))
    return parts


def leaves_of(run: RunFolder) -> dict[str, Part]:
    """Leaves of the result by name ("default"), each with the rows of all its splits, in order."""
    files: dict[str, tuple[Path, ...]] = {}
    for part in parts_of(run).values():
        leaf = part.name.rpartition(" / ")[0]
        files[leaf] = (*files.get(leaf, ()), *part.files)
    return {leaf: Part(leaf, own, _stamp(own)) for leaf, own in files.items()}


def chosen(run: RunFolder, parts: dict[str, Part], name: str | None = None) -> Part:
    """One of a run's parts or leaves; the first if none is named.

    Raises:
        UnknownPart: There is no such part, or no result yet.
    """
    if not parts:
        raise UnknownPart(f"run {run.run_id!r} has no result yet", "wait for its end, or stop it and keep what is finished")
    if (name or next(iter(parts))) not in parts:
        raise UnknownPart(f"the result of run {run.run_id!r} has no part {name!r}", f"it has {', '.join(parts)}")
    return parts[name or next(iter(parts))]


def _stamp(files: tuple[Path, ...]) -> Stamp:
    stamps = []
    for path in files:
        try:
            status = path.stat()
            stamps.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            stamps.append((str(path), 0, 0, 0))
    return tuple(stamps)


# ---- changes by hand


def by_hand(run: RunFolder) -> ByHand:
    """The changes that people made to the rows of this run."""
    return ByHand(run.path / CHANGES)


_places: LRUCache[Stamp, dict[tuple[int, str], int | None]] = LRUCache(SETTLED_KEPT)
"""Where the row of a change was found, by files: a change more does not make all others be looked for again."""
_settling = Lock()


def standing_of(run: RunFolder, parts: dict[str, Part] | None = None) -> Standing:
    """Which changes made by hand apply to the result as it lies there now."""
    changes = by_hand(run)
    if changes.stamp() == (0, 0):
        return Standing()
    parts = parts_of(run) if parts is None else parts
    return _settled(changes, parts)


def _changed(changes: ByHand, parts: dict[str, Part]) -> Stamp:
    return str(changes.path), changes.stamp(), *(part.stamp for part in parts.values())


@cached(LRUCache(SETTLED_KEPT), key=_changed, condition=Condition())
def _settled(changes: ByHand, parts: dict[str, Part]) -> Standing:
    with _settling:
        known = {name: _places.setdefault(part.stamp, {}) for name, part in parts.items()}
        return settle(changes.changes(), parts, known)
