"""A file of JSON lines that only grows: what people said, which must not be lost.

A line is on the disk before anybody is told that it is kept. Several processes may write; each takes its turn. A line that a
crash tore is left out by readers, and takes no other line with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from flows.labelling.disk import disk
from flows.labelling.texts import spelled_out

Line = dict[str, Any]
TAIL = 256
"""Bytes of the last line that was read by which it is known again."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A file as it was when it was read last."""

    inode: int
    size: int
    written_at: int

    @classmethod
    def of(cls, found: os.stat_result) -> _Stamp:
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


class Log:
    """The lines of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_to = 0
        self._lines = 0
        self._stamp: _Stamp | None = None
        self._tail = b""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one who writes, among threads and processes.

        Raises:
            DiskError: The folder is gone, or nothing may be written there.
        """
        with disk("nothing can be written now"):
            file = self._locked()
        with file:
            yield

    def _locked(self) -> BinaryIO:
        """The file that stands for the turn: the one that is there, not one whose folder was put away meanwhile."""
        path = self.path.with_suffix(".lock")
        while True:
            file = path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
            except FileNotFoundError:
                file.close()
                if not path.parent.is_dir():
                    raise
            except BaseException:
                file.close()
                raise
            file.close()

    @property
    def size(self) -> int:
        """The bytes on the disk; 0 where there are none yet."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write lines and wait until they are on the disk, all or none. Only within `writing`.

        Raises:
            OSError: They could not be kept; the file is as it was.
        """
        text = b"".join(encode(line) + b"\n" for line in lines)
        if not text:
            return
        is_new = not self.path.exists()
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                if before and not _ends_a_line(self.path):
                    text = b"\n" + text
                _write_all(file.fileno(), text)
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(before)
                raise
        if is_new:
            keep_name(self.path)

    def cut(self, size: int) -> None:
        """Take back what was appended since the file had this size: something that belongs to it could not be kept."""
        with suppress(OSError):
            os.truncate(self.path, size)

    def continues(self) -> bool:
        """Whether what was read is still there, so that only what follows is new. Else the file was edited or replaced."""
        if self._stamp is None:
            return True
        try:
            now = _Stamp.of(self.path.stat())
        except FileNotFoundError:
            return False
        if now == self._stamp:
            return True
        if now.inode != self._stamp.inode or now.size <= self._stamp.size:
            return False
        with self.path.open("rb") as file:
            file.seek(self._read_to - len(self._tail))
            return file.read(len(self._tail)) == self._tail

    def fresh(self) -> Iterator[tuple[int, Line | None]]:
        """The lines that were not read before, with their numbers; None for one that holds no object of JSON.

        What is no line yet is read when it has become one.
        """
        try:
            with self.path.open("rb") as file:
                now = _Stamp.of(os.fstat(file.fileno()))
                if now == self._stamp:
                    return
                file.seek(self._read_to)
                read = file.read(max(now.size - self._read_to, 0))
        except FileNotFoundError:
            return
        end = read.rfind(b"\n") + 1
        self._read_to += end
        self._stamp, self._tail = now, (self._tail + read[:end])[-TAIL:]
        for line in read[:end].split(b"\n")[:-1]:
            self._lines += 1
            if line.strip():
                yield self._lines, _object(line)

    @property
    def place(self) -> int:
        """How far it has been read, in bytes: differs whenever more is known."""
        return self._read_to


def _object(line: bytes) -> Line | None:
    try:
        found = decode(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def encode(line: Mapping[str, Any]) -> bytes:
    """A line as bytes, also with what is no JSON, as text."""
    try:
        return orjson.dumps(line)
    except TypeError:
        return json.dumps(line, default=str).encode()


def decode(line: bytes | str) -> Any:
    """What `encode` wrote.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            return spelled_out(json.loads(line))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def keep_name(path: Path) -> None:
    """Wait until a new file is known to its folder on the disk."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def bytes_in(folder: Path) -> int:
    """What the files of a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file at once, and wait until it is on the disk. When that fails, the old one is as it was.

    Raises:
        OSError: It could not be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    keep_name(path)


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _write_all(descriptor: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
