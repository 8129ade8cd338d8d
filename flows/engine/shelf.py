"""Where the rows of a step lie, in compact form: what the Distiset and the steps over all rows are read from.

A shelf is a file of numbers that grows while the run goes on: 48 bytes for a row, or for all rows of a frame that a source and
cheap steps made; in memory there is next to nothing. The rows themselves stay in the ledger until they are read, in the order
of the source.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from flows.engine.codec import decode
from flows.engine.items import order_of
from flows.engine.ledger import SegmentReader
from flows.engine.outcome import Collected

_FIELDS = 5  # file, offset, number in the frame, rows of the record, records that follow each other (`Collected.run`)
_BUFFERED = 2**13  # numbers

SHELVES, SHELF = "shelves", ".shelf"
"""Folder of a run's shelves, and how their names end, after the stage's."""
ROWS_AT_ONCE = 200
BYTES_AT_ONCE = 2**20


class Shelf:
    """Collects places while a run goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._depth: int | None = None
        self._paths: dict[str, int] = {}
        self._waiting: array[int] = array("q")
        self._file: BinaryIO | None = None
        self._is_saved = False

    def add(self, entry: Collected) -> None:
        """Note where rows lie; the ids of all have the same number of places. After `save` it is too late for this session."""
        if self._is_saved:
            return
        order, place = order_of(entry.id), entry.place
        if self._depth is None:
            self._depth = len(order)
        elif len(order) != self._depth:
            raise ValueError(f"row {entry.id} is out of place: ids here have {self._depth} places")
        path = self._paths.setdefault(place.path, len(self._paths))
        self._waiting.extend((*order, path, place.offset, place.number, place.rows, entry.run))
        self.rows += place.rows * entry.run
        if len(self._waiting) > _BUFFERED:
            self._write()

    def save(self) -> None:
        """Write what is missing, for another process; more is not taken then. It may be saved already, for another step."""
        if not self._is_saved:
            self._is_saved = True
            self.show()
            self.close()

    def show(self) -> None:
        """Write what is missing, so that the rows so far can be read."""
        if self._file is not None and self._file.closed:  # saved already for another step, which reads it
            return
        self._write()
        head = {"paths": list(self._paths), "depth": self._depth or 1, "rows": self.rows}
        _head_of(self.path).write_bytes(orjson.dumps(head))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        self._file.write(self._waiting)
        self._file.flush()
        self._waiting = array("q")


def _head_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


class ShelfRows(Collection[dict[str, Any]]):
    """The rows of a saved shelf: counted at once, read from the ledger each time they are iterated."""

    def __init__(self, path: Path) -> None:
        import numpy as np  # here: only readers need it

        head = orjson.loads(_head_of(path).read_bytes())
        self._paths: list[str] = head["paths"]
        self._count: int = head["rows"]
        self._depth: int = head["depth"]
        table = np.fromfile(path, dtype=np.int64).reshape(-1, self._depth + _FIELDS)
        self._table = table[np.lexsort(table[:, : self._depth].T[::-1])]

    def __len__(self) -> int:
        return self._count

    def __contains__(self, row: object) -> bool:
        return any(row == mine for mine in self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for chunk in self.chunks(ROWS_AT_ONCE, BYTES_AT_ONCE):
            yield from chunk

    def chunks(self, rows: int, size: int) -> Iterator[list[dict[str, Any]]]:
        """The rows in lists of about so many, or of about `size` bytes of JSON where that is less."""
        waiting: list[bytes] = []
        count = held = 0
        for body in self.bodies():
            waiting.append(body)
            count, held = count + 1, held + len(body)
            if count >= rows or held >= size:
                yield decode(b"[%b]" % b",".join(waiting))
                waiting, count, held = [], 0, 0
        if waiting:
            yield decode(b"[%b]" % b",".join(waiting))

    def ids(self, *, has_children: bool) -> Any:
        """The ids of all rows, a line for each stretch that counts up: the id of its first row, and how many come before it.

        `has_children`: the ids that were noted are those of the rows that these were made of, several of one.
        """
        import numpy as np

        table = self._table[(self._table[:, -2] > 0)]
        ids, counts = table[:, : self._depth], table[:, -2] * table[:, -1]
        if has_children:
            ids = np.column_stack([ids, np.zeros(len(ids), dtype=np.int64)])
        starts = np.cumsum(counts) - counts
        goes_on = np.zeros(len(ids), dtype=bool)
        if len(ids):
            goes_on[1:] = (ids[1:, :-1] == ids[:-1, :-1]).all(axis=1) & (ids[1:, -1] == ids[:-1, -1] + counts[:-1])
        return np.column_stack([ids, starts])[~goes_on]

    def bodies(self) -> Iterator[bytes]:
        """The records, each the JSON of its rows with commas between."""
        reader = SegmentReader(frames_kept=256)
        try:
            for entry in self._table:
                path, offset, number, rows, run = (int(value) for value in entry[self._depth :])
                if rows:
                    yield from reader.records(self._paths[path], offset, number, run)
        finally:
            reader.close()


class ShelvesRows(Collection[dict[str, Any]]):
    """The rows of several saved shelves, one after the other."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.shelves = [ShelfRows(path) for path in paths]

    def __len__(self) -> int:
        return sum(map(len, self.shelves))

    def __contains__(self, row: object) -> bool:
        return any(row in shelf for shelf in self.shelves)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return chain.from_iterable(self.shelves)

    def bodies(self) -> Iterator[bytes]:
        """The records, each the JSON of its rows with commas between."""
        return chain.from_iterable(shelf.bodies() for shelf in self.shelves)
