"""Rows that failed, in a file: one JSON object a line, with the reason and the row itself.

A row in quarantine is not tried again by `resume`; `retry` empties the quarantine and resumes, so just those rows are redone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from flows.engine.outcome import Failure

NEEDED = {"step", "step_key", "key"}
"""What every line tells."""
RETRIED = "{}.retried-{}{}"
"""Names of the files whose rows were tried again."""


def appended(path: Path) -> BinaryIO:
    """A file of lines, open for more of them. A last line that a crash cut off is ended first, so it takes no other with it."""
    file = path.open("ab")
    if file.tell():
        with path.open("rb") as written:
            written.seek(-1, os.SEEK_END)
            if written.read(1) != b"\n":
                file.write(b"\n")
    return file


class Quarantine:
    """The quarantine of a run, as the engine sees it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._retried = _bad_replies_in(path.parent.glob(RETRIED.format(path.stem, "*", path.suffix)))
        self._known: dict[str, set[bytes]] = {}
        for line in lines_in(path):
            self._remember(line["step_key"], line["key"])

    def known(self) -> dict[str, frozenset[bytes]]:
        """Keys of the rows in it, by step key."""
        return {step: frozenset(keys) for step, keys in self._known.items()}

    def retried(self) -> dict[str, dict[bytes, int]]:
        """How often rows with a reply that was no good were tried again, by step and row: they are asked anew.

        By the step's name, since the journal knows no step keys: replies of before a change must not answer after it.
        """
        return self._retried

    def add(self, failures: list[Failure]) -> None:
        """Append rows; they outlive the death of this process."""
        with appended(self._path) as file:
            file.write(b"".join(failure.to_json() + b"\n" for failure in failures))
        for failure in failures:
            self._remember(failure.step_key, failure.key)

    def forget_others(self, step_keys: set[str]) -> None:
        """Drop rows that failed in steps that are no more, or have changed since: they are tried again by themselves."""
        if self._known.keys() <= step_keys:
            return
        _write_lines(self._path, (line for line in lines_in(self._path) if line["step_key"] in step_keys))
        self._known = {step: keys for step, keys in self._known.items() if step in step_keys}

    def count(self, step_keys: set[str]) -> int:
        """Rows in it that belong to these steps as they are now."""
        return sum(len(keys) for step, keys in self._known.items() if step in step_keys)

    def _remember(self, step_key: str, key: str) -> None:
        self._known.setdefault(step_key, set()).add(bytes.fromhex(key))


def empty(path: Path, step: str | None = None, code: str | None = None) -> int:
    """Move what is in quarantine aside, so that a resume tries it again; returns how many rows that were.

    With a `step` or a `code`, only the rows that failed there, or for this reason; the others stay.
    """
    fits = [is_of(line, step, code) for line in lines_in(path)]
    if not any(fits):
        return 0
    number = len(list(path.parent.glob(RETRIED.format(path.stem, "*", path.suffix)))) + 1
    aside = path.with_name(RETRIED.format(path.stem, number, path.suffix))
    if all(fits):
        path.replace(aside)
    else:  # a crash in between leaves rows in both: they stay in quarantine
        _write_lines(aside, (line for line in lines_in(path) if is_of(line, step, code)))
        _write_lines(path, (line for line in lines_in(path) if not is_of(line, step, code)))
    return sum(fits)


def is_of(line: dict[str, Any], step: str | None, code: str | None) -> bool:
    """Whether a row failed in this step, for this reason; None fits all."""
    return step in (None, line["step"]) and code in (None, line.get("code"))


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:  # line by line: a quarantine may be larger than memory
        file.writelines(orjson.dumps(line) + b"\n" for line in lines)
    part.replace(path)


def take_over_retries(source: Path, target: Path) -> None:
    """Let a run ask for the same rows anew that another one asked for again: a replay then ends where that run did."""
    for path in source.parent.glob(RETRIED.format(source.stem, "*", source.suffix)):
        shutil.copyfile(path, target.with_name(path.name))


def _bad_replies_in(paths: Iterable[Path]) -> dict[str, dict[bytes, int]]:
    found: dict[str, dict[bytes, int]] = {}
    for path in paths:
        for line in lines_in(path):
            if line.get("reply") is not None:
                rows, key = found.setdefault(line["step"], {}), bytes.fromhex(line["key"])
                rows[key] = rows.get(key, 0) + 1
    return found


def lines_in(path: Path, read: Callable[[bytes], Any] = orjson.loads, *, most: int | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a quarantine; none where there is none to read. What a crash tore is left out: that row is tried again.

    `most`: only so many bytes at its end are looked at.
    """
    with contextlib.suppress(FileNotFoundError, IsADirectoryError), path.open("rb") as file:
        if most is not None and (size := path.stat().st_size) > most:
            file.seek(size - most)
        for line in file:
            with contextlib.suppress(ValueError):
                found = read(line)
                if isinstance(found, dict) and found.keys() >= NEEDED:
                    yield found
