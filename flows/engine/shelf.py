"""Where the rows of a step lie, in compact form: what the Distiset and the steps over all rows are read from.

56 to 72 bytes a row in memory, or as much for all rows of a frame that a source and cheap steps made; the rows themselves stay
in the ledger until they are read, in the order of the source.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import orjson

from flows.engine.codec import decode
from flows.engine.items import order_of
from flows.engine.ledger import SegmentReader
from flows.engine.outcome import Collected

_FIELDS = 5  # file, offset, number in the frame, rows of the record, records that follow each other (`Collected.run`)

ROWS_AT_ONCE = 200
BYTES_AT_ONCE = 2**20


class Shelf:
    """Collects places while a run goes on."""

    def __init__(self) -> None:
        self._paths: dict[str, int] = {}
        self._entries: dict[int, array[int]] = {}  # by depth of the ids
        self.rows = 0

    def add(self, entry: Collected) -> None:
        order = order_of(entry.id)
        path = self._paths.setdefault(entry.place.path, len(self._paths))
        entries = self._entries.setdefault(len(order), array("q"))
        place = entry.place
        entries.extend((*order, path, place.offset, place.number, place.rows, entry.run))
        self.rows += place.rows * entry.run

    def save(self, path: Path) -> None:
        """Write it for another process."""
        path.parent.mkdir(parents=True, exist_ok=True)
        depths = sorted(self._entries)
        head = orjson.dumps(
            {
                "paths": list(self._paths),
                "depths": depths,
                "rows": self.rows,
                "sizes": [len(self._entries[depth]) for depth in depths],
            }
        )
        with path.open("wb") as file:
            file.write(len(head).to_bytes(8, "little") + head)
            for depth in depths:
                self._entries[depth].tofile(file)


class ShelfRows(Collection[dict[str, Any]]):
    """The rows of a saved shelf: counted at once, read from the ledger each time they are iterated."""

    def __init__(self, path: Path) -> None:
        import numpy as np  # here: only readers need it

        with path.open("rb") as file:
            head = orjson.loads(file.read(int.from_bytes(file.read(8), "little")))
            parts = []
            for depth, size in zip(head["depths"], head["sizes"], strict=True):
                table = np.fromfile(file, dtype=np.int64, count=size).reshape(-1, depth + _FIELDS)
                parts.append((depth, table))
        self._paths: list[str] = head["paths"]
        self._count: int = head["rows"]
        deepest = max(head["depths"], default=1)
        rows = [np.hstack([t[:, :d], np.full((len(t), deepest - d), -1), t[:, d:]]) for d, t in parts]
        table = np.vstack(rows) if rows else np.zeros((0, deepest + _FIELDS), dtype=np.int64)
        self._table = table[np.lexsort(table[:, :deepest].T[::-1])] if len(table) else table
        self._depth = deepest

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
