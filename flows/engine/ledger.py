"""Finished work on disk: for each step, what it made of each row.

`ledger/<step>-<step key>/<writer>.seg`, append-only, one file per writer, so that writers need no locks. A file is a series
of frames; a frame holds the records that were finished together:

    u32 bytes after this head · u32 CRC-32 of them · u16 records · the records' 16-byte keys · per record u32 rows made ·
    then, compressed by Zstandard: per record u32 length, then the records, each the JSON of its rows with commas between

A frame that was cut off by a crash fails its length or checksum; it and what follows in that file is ignored, and nobody
appends to a file that an earlier process wrote. A step whose parameters, code or upstream steps change has another key,
and so another folder: nothing stale is found.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import zstandard

from flows.engine.items import KEY_BYTES

HEAD = struct.Struct("<IIH")
"""What a frame begins with."""
_ENTRY_BYTES = KEY_BYTES + 4
MAX_RECORDS = 0xFFFF
BYTES_KEPT = 16 * 2**20
"""Of the frames that a reader keeps."""


class _PerThread(threading.local):
    """To make a decompressor costs six times as much as to use it once, and no two threads may use the same."""

    def __init__(self) -> None:
        self.decompress = zstandard.ZstdDecompressor().decompress


_zstd = _PerThread()


class Place(NamedTuple):
    """Where a record lies: file, offset of its frame, its number in the frame, and how many rows it holds."""

    path: str
    offset: int
    number: int
    rows: int


class Frame(NamedTuple):
    """Records that were written together: file, offset, and how many rows each of them holds."""

    path: str
    offset: int
    counts: Sequence[int]

    def place(self, number: int) -> Place:
        return Place(self.path, self.offset, number, self.counts[number])

    def places(self) -> Iterator[Place]:
        return map(self.place, range(len(self.counts)))


class StoredFrame(NamedTuple):
    """A frame as it lies in a file, at `offset`."""

    offset: int
    records: int
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + HEAD.size + len(self.data)

    @property
    def keys(self) -> bytes:
        """The keys of all records, one behind the other."""
        return self.data[: KEY_BYTES * self.records]

    @property
    def row_counts(self) -> bytes:
        """How many rows each record holds: u32, one behind the other."""
        return self.data[KEY_BYTES * self.records : _ENTRY_BYTES * self.records]

    def bodies(self) -> list[bytes]:
        """The records, each the JSON of its rows with commas between."""
        raw = _zstd.decompress(memoryview(self.data)[_ENTRY_BYTES * self.records :])
        bodies, at = [], 4 * self.records
        for length in struct.unpack_from(f"<{self.records}I", raw):
            bodies.append(raw[at : at + length])
            at += length
        return bodies


class SegmentWriter:
    """Appends records to a file of its own; the file appears with the first of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._offset = 0
        self._compressor = zstandard.ZstdCompressor(level=1)

    def append(self, keys: Sequence[bytes], bodies: Sequence[bytes], counts: Sequence[int]) -> list[Frame]:
        """Write records, one per key: the JSON of its rows with commas between, and how many rows that is.

        They outlive the death of this process (not yet a power cut).
        """
        ends = [slice(start, start + MAX_RECORDS) for start in range(0, len(keys), MAX_RECORDS)]
        return [self._append_frame(keys[some], bodies[some], counts[some]) for some in ends]

    def _append_frame(self, keys: Sequence[bytes], bodies: Sequence[bytes], counts: Sequence[int]) -> Frame:
        if self._fd is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
            _sync_folder(self.path.parent)
        numbers = struct.Struct(f"<{len(keys)}I")
        content = self._compressor.compress(numbers.pack(*map(len, bodies)) + b"".join(bodies))
        data = b"".join([*keys, numbers.pack(*counts), content])
        frame = HEAD.pack(len(data), zlib.crc32(data), len(keys)) + data
        offset = self._offset
        written = os.write(self._fd, frame)
        if written < len(frame):  # the disk is full: what follows a torn frame would not be read
            os.ftruncate(self._fd, offset)
            raise OSError(28, "No space left on device", str(self.path))
        self._offset += written
        return Frame(str(self.path), offset, counts)

    def sync(self) -> None:
        """Wait until all of it would survive a power cut."""
        if self._fd is not None:
            os.fdatasync(self._fd)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file survive a power cut, as its content will."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class SegmentReader:
    """Reads records by place, keeping the frames it read last: neighbours are mostly asked for together."""

    def __init__(self, frames_kept: int = 16) -> None:
        self._frames: OrderedDict[tuple[str, int], list[bytes]] = OrderedDict()
        self._files: dict[str, int] = {}
        self._kept = frames_kept
        self._held = 0
        """Bytes in the frames that are kept."""

    def rows(self, place: Place) -> bytes:
        """JSON list of the rows of this record."""
        return b"[%b]" % self._frame(place.path, place.offset)[place.number]

    def records(self, path: str, offset: int, number: int, count: int) -> list[bytes]:
        """Some records that follow each other in a frame: the JSON of the rows of each, with commas between."""
        return self._frame(path, offset)[number : number + count]

    def _frame(self, path: str, offset: int) -> list[bytes]:
        key = (path, offset)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._read(*key)
            self._held += sum(map(len, frame))
            while len(self._frames) > 1 and (len(self._frames) > self._kept or self._held > BYTES_KEPT):
                _, dropped = self._frames.popitem(last=False)
                self._held -= sum(map(len, dropped))
        else:
            self._frames.move_to_end(key)
        return frame

    def _read(self, path: str, offset: int) -> list[bytes]:
        if path not in self._files:
            self._files[path] = os.open(path, os.O_RDONLY)
        fd = self._files[path]
        size, _, records = HEAD.unpack(os.pread(fd, HEAD.size, offset))
        return StoredFrame(offset, records, os.pread(fd, size, offset + HEAD.size)).bodies()

    def close(self) -> None:
        for fd in self._files.values():
            os.close(fd)
        self._files.clear()


def frames_in(path: Path) -> Iterator[StoredFrame]:
    """Every whole frame of a file, in the order they were written; stops at the first torn one."""
    with path.open("rb") as file:
        offset = 0
        while len(head := file.read(HEAD.size)) == HEAD.size:
            size, checksum, records = HEAD.unpack(head)
            data = file.read(size)
            if len(data) < size or size < _ENTRY_BYTES * records or not records or zlib.crc32(data) != checksum:
                return
            yield (frame := StoredFrame(offset, records, data))
            offset = frame.end


def records_in(path: Path) -> Iterator[bytes]:
    """JSON list of the rows of each record of a file, in the order they were written."""
    for frame in frames_in(path):
        for body in frame.bodies():
            yield b"[%b]" % body


def step_folder(root: Path, step: str, step_key: str) -> Path:
    """Where a step's records lie."""
    return root / f"{re.sub(r'[^A-Za-z0-9_-]', '_', step)}-{step_key[:16]}"
