"""A file of JSON lines that only grows: what people said, which must not be lost.

A line is on the disk before anybody is told that it is kept. Several processes may write; each takes its turn. A line that a
crash tore is left out by readers, and takes no other line with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

Line = dict[str, Any]


class Log:
    """The lines of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_to = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one who writes, among threads and processes."""
        with self.path.with_suffix(".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write lines and wait until they are on the disk. Only within `writing`.

        Raises:
            OSError: They could not be kept; a part that was written is not read as a line.
        """
        text = b"".join(encode(line) + b"\n" for line in lines)
        if not text:
            return
        is_new = not self.path.exists()
        with self.path.open("ab", buffering=0) as file:
            if file.tell() and not _ends_a_line(self.path):
                file.write(b"\n")
            _write_all(file.fileno(), text)
            os.fsync(file.fileno())
        if is_new:
            keep_name(self.path)

    def fresh(self) -> Iterator[Line]:
        """The lines that were not read before. What is no line yet is read when it has become one."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                read = file.read()
        except FileNotFoundError:
            return
        end = read.rfind(b"\n") + 1
        self._read_to += end
        for line in read[:end].split(b"\n"):
            try:
                found = decode(line) if line else None
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found

    @property
    def place(self) -> int:
        """How far it has been read, in bytes: differs whenever more is known."""
        return self._read_to


def encode(line: Mapping[str, Any]) -> bytes:
    """A line as bytes, also with characters that are no Unicode."""
    try:
        return orjson.dumps(line)
    except TypeError:
        return json.dumps(line, default=str).encode()


def decode(line: bytes) -> Any:
    """What `encode` wrote.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)


def keep_name(path: Path) -> None:
    """Wait until a new file is known to its folder on the disk."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file at once, and wait until it is on the disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    keep_name(path)


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _write_all(descriptor: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
