"""Where records lie, by key: 22 bytes a record and 8 a frame, so that a million of them are at hand at once.

Keys are sorted once, when the files are read; what is written afterwards is not in it.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from flows.engine.items import KEY_BYTES
from flows.engine.ledger import Place, StoredFrame, frames_in

_HALVES = struct.Struct("<QQ")


class Index:
    """The places of all records of some files. Of records with the same key, the first is found."""

    def __init__(self, paths: Iterable[Path], look: Callable[[StoredFrame], None] = lambda frame: None) -> None:
        """Read the files, in this order; `look` is shown every frame meanwhile."""
        self._paths: list[str] = []
        self._bases: list[int] = []
        """Where each file begins, if all of them lay one behind the other."""
        self._frames = array("Q")
        """Where each frame begins, counted likewise."""
        self._high: Sequence[int] = ()
        self._low: Sequence[int] = ()
        self._frame: Sequence[int] = ()
        self._number: Sequence[int] = ()
        self._rows: Sequence[int] | None = None
        """None when every record holds one row, as those of most steps do."""
        keys, rows, sizes, end = bytearray(), bytearray(), array("Q"), 0
        for path in paths:
            self._paths.append(str(path))
            self._bases.append(base := end)
            with suppress(FileNotFoundError):  # dropped meanwhile, as old previews are
                for frame in frames_in(path):
                    keys += frame.keys
                    rows += frame.row_counts
                    sizes.append(frame.records)
                    self._frames.append(base + frame.offset)
                    end = base + frame.end
                    look(frame)
            end += 1  # a file without frames has a place of its own too
        if keys:
            self._sort(bytes(keys), bytes(rows), sizes)

    def _sort(self, keys: bytes, rows: bytes, sizes: array[int]) -> None:
        import numpy as np  # here: a first session has nothing to sort

        halves = np.frombuffer(keys, "<u8").reshape(-1, KEY_BYTES // 8)
        order = np.argsort(halves[:, 0], kind="stable")
        records = np.frombuffer(sizes, "<u8").astype(np.int64)
        frame = np.repeat(np.arange(len(records), dtype=np.uint32), records)
        number = (np.arange(len(order)) - np.repeat(np.cumsum(records) - records, records)).astype(np.uint16)
        counts = np.frombuffer(rows, "<u4")
        self._high, self._low = halves[order, 0].data, halves[order, 1].data
        self._frame, self._number = frame[order].data, number[order].data
        self._rows = None if (counts == 1).all() else counts[order].data

    def __len__(self) -> int:
        """Records, those with the same key included."""
        return len(self._high)

    def get(self, key: bytes) -> Place | None:
        high, low = _HALVES.unpack(key)
        at = bisect_left(self._high, high)
        while at < len(self._high) and self._high[at] == high:
            if self._low[at] == low:
                return self._place(at)
            at += 1
        return None

    def _place(self, at: int) -> Place:
        start = self._frames[self._frame[at]]
        file = bisect_right(self._bases, start) - 1
        rows = self._rows[at] if self._rows is not None else 1
        return Place(self._paths[file], start - self._bases[file], self._number[at], rows)


def segments(folders: Iterable[Path]) -> list[Path]:
    """The files with records in some folders, those of a folder in the order in which their writers began."""
    return [path for folder in folders for path in sorted(folder.glob("*.seg"))]
