"""Rows that wait for long: what they hold lies in a file, so that memory stays flat."""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

from flows.engine.items import Item

_PLACE = struct.Struct("<cQQ")
_MARK = b"\0"
"""Begins what stands for a body; no JSON begins so."""


class Spill:
    """A file that rows are put into, and taken from in any order. It has no name and goes with the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._end = 0

    def put(self, item: Item) -> Item:
        """The same row, with its place in the file instead of its body.

        Raises:
            OSError: The file cannot be written.
        """
        if self._file is None:
            with tempfile.TemporaryFile(dir=self._folder) as file:
                self._file = os.dup(file.fileno())
        written = 0
        while written < len(item.body):
            written += os.pwrite(self._file, item.body[written:], self._end + written)
        place = _PLACE.pack(_MARK, self._end, written)
        self._end += written
        return item._replace(body=place)

    def take(self, item: Item) -> Item:
        """The row as it was put in; one that never was stays as it is."""
        return item._replace(body=self.body(item))

    def body(self, item: Item) -> bytes:
        if self._file is None or not item.body.startswith(_MARK):
            return item.body
        _, start, size = _PLACE.unpack(item.body)
        found = b""
        while len(found) < size:
            found += os.pread(self._file, size - len(found), start + len(found))
        return found

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
