"""Records found by key in files that are large, or still grow, without reading what lies in them.

Only the heads of frames are read. What was read of a file is kept in memory, and beside the file where that took a while: the
next process goes on from there. A file is only ever appended to, so what is kept of it stays true.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import zstandard

from flows.engine.items import KEY_BYTES
from flows.engine.ledger import HEAD, Place, SegmentReader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORTH_KEEPING = 20_000
"""Frames from which on what was read is kept beside the file: to read so many heads again takes some 20 ms."""
MOST_RECORDS = 2_000_000
"""Of the files that are kept in memory, 24 bytes each."""
KEPT_AS = ".keys.npz"


class KeyTable:
    """The keys of one file, in the order in which they were written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys = bytearray()
        self._frames: list[int] = []
        self._counts: list[int] = []
        self._end = 0
        self._known = 0
        """Frames that the file beside holds."""
        self._columns: tuple[NDArray[np.uint64], NDArray[np.int64]] | None = None
        self._load()

    def __len__(self) -> int:
        return len(self._keys) // KEY_BYTES

    def update(self) -> None:
        """Read what was written since."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:  # dropped, as old previews are
            return
        if size < self._end + HEAD.size:
            return
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            self._read(data)
        self._columns = None
        if len(self._frames) >= self._known + WORTH_KEEPING:
            self._keep()

    def _read(self, data: mmap.mmap) -> None:
        at, size, unpack = self._end, len(data), HEAD.unpack_from
        while at + HEAD.size <= size:
            length, _, records = unpack(data, at)
            start, stop = at + HEAD.size, at + HEAD.size + length
            if stop > size or not records or length < KEY_BYTES * records:  # torn, or being written
                break
            self._keys += data[start : start + KEY_BYTES * records]
            self._frames.append(at)
            self._counts.append(records)
            at = stop
        self._end = at

    def numbers(self, prefix: bytes) -> list[int]:
        """The records whose key begins so, by their number in the file."""
        if not self._keys:
            return []
        import numpy as np

        keys, _ = self._arrays()
        whole = prefix.ljust(KEY_BYTES, b"\0")
        halves = [int.from_bytes(whole[at : at + 8], "big") for at in (0, 8)]
        found = None
        for column, value in enumerate(halves):
            bits = 8 * min(8, max(0, len(prefix) - 8 * column))
            if not bits:
                break
            shift = np.uint64(64 - bits)
            mine = keys[:, column] if found is None else keys[found, column]
            hits = np.flatnonzero((mine >> shift) == (np.uint64(value) >> shift))
            found = hits if found is None else found[hits]
        assert found is not None
        return [int(number) for number in found]

    def key(self, number: int) -> bytes:
        return bytes(self._keys[KEY_BYTES * number : KEY_BYTES * (number + 1)])

    def place(self, number: int) -> Place:
        """Where a record lies. How many rows it holds is not looked at: it says 1."""
        import numpy as np

        _, ends = self._arrays()
        frame = int(np.searchsorted(ends, number, side="right"))
        before = int(ends[frame - 1]) if frame else 0
        return Place(str(self.path), self._frames[frame], number - before, 1)

    def _arrays(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The keys as two numbers each, which sort as they do, and how many records there are up to the end of each frame."""
        import numpy as np

        if self._columns is None:
            keys = np.frombuffer(bytes(self._keys), ">u8").reshape(-1, 2).astype(np.uint64)
            self._columns = keys, np.cumsum(np.asarray(self._counts, dtype=np.int64))
        return self._columns

    # ---- beside the file
    def _load(self) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError):
            import numpy as np

            beside = self.path.with_name(self.path.name + KEPT_AS)
            if not beside.exists():
                return
            with np.load(beside, allow_pickle=False) as kept:
                frames, counts, keys, end = (kept[name] for name in ("frames", "counts", "keys", "end"))
            if len(frames) == len(counts) and counts.sum() * KEY_BYTES == len(keys) and self.path.stat().st_size >= end[0]:
                self._frames, self._counts = frames.tolist(), counts.tolist()
                self._keys, self._end, self._known = bytearray(keys.tobytes()), int(end[0]), len(frames)

    def _keep(self) -> None:
        import numpy as np

        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        with contextlib.suppress(OSError):  # a folder that cannot be written: it is read again next time
            with part.open("wb") as file:
                np.savez(
                    file,
                    frames=np.asarray(self._frames, dtype=np.int64),
                    counts=np.asarray(self._counts, dtype=np.int64),
                    keys=np.frombuffer(bytes(self._keys), np.uint8),
                    end=np.asarray([self._end], dtype=np.int64),
                )
            part.replace(self.path.with_name(self.path.name + KEPT_AS))
            self._known = len(self._frames)


_tables: OrderedDict[Path, KeyTable] = OrderedDict()
_lock = threading.Lock()


def table_of(path: Path) -> KeyTable:
    """The keys of a file as it is now."""
    path = path.absolute()
    with _lock:
        table = _tables.pop(path, None) or KeyTable(path)
        table.update()
        _tables[path] = table
        held = sum(map(len, _tables.values()))
        while held > MOST_RECORDS and len(_tables) > 1:
            held -= len(_tables.popitem(last=False)[1])
    return table


def prepare(paths: Iterable[Path]) -> None:
    """Note beside large files what is in them, so that nobody who looks something up there has to wait."""
    for path in paths:
        KeyTable(path).update()


class Found(NamedTuple):
    """A record: its key, where it lies, and the JSON list of its rows."""

    key: bytes
    place: Place
    rows: bytes


def records_of(paths: Sequence[Path], prefix: bytes) -> Iterator[Found]:
    """The records whose key begins so, file by file, in the order in which they were written."""
    for path in paths:
        table = table_of(path)
        yield from records_at(table, table.numbers(prefix))


def records_at(table: KeyTable, numbers: Iterable[int]) -> Iterator[Found]:
    """The records with these numbers in a file, without those that are gone, or were torn."""
    reader = SegmentReader()
    try:
        for number in numbers:
            place = table.place(number)
            with contextlib.suppress(OSError, ValueError, LookupError, MemoryError, struct.error, zstandard.ZstdError):
                yield Found(table.key(number), place, reader.rows(place))
    finally:
        reader.close()
