"""The keys of the rows that begin at a step, by their position: what leads from an id back to a row, in every later run.

A file of 16 bytes a row, in the order in which the rows began. All other keys follow from these and the ids, so nothing else
is kept of where a row came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from flows.engine.items import KEY_BYTES


class RootKeys:
    """Writes the keys of one step, in one session; those of the session before are replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def add(self, keys: Sequence[bytes]) -> None:
        """The keys of the next rows."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb", buffering=0)
        self._file.write(b"".join(keys))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def roots_file(folder: Path, step: str) -> Path:
    """Where the keys of the rows that begin at this step lie while the run goes on."""
    return folder / "roots" / f"{step}.keys"


def root_key(path: Path, position: int) -> bytes | None:
    """The key of the row at this position; None when nothing is known of it."""
    try:
        with path.open("rb") as file:
            file.seek(position * KEY_BYTES)
            key = file.read(KEY_BYTES)
    except (OSError, OverflowError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
