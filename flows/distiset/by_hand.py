"""Changes that people make to a result by hand: kept beside it, one JSON line each, and never written into its rows.

A line is an edit of one value, a row that is dropped, or the undoing of an earlier line. The rows stay as the engine wrote
them; whoever shows or publishes them applies what stands. A row is known by its place and by a hash of what the engine wrote,
so that a change finds its row in a result that was made anew, or says that it does not.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from flows.engine.codec import decode, encode
from flows.engine.quarantine import appended
from steps.base import Row
from steps.errors import RunError

CHANGES = "changes.jsonl"
BY = "by hand"


class UnknownChange(RunError):
    """A change is to be undone that is none, or is undone already."""

    code = "unknown-change"


@dataclass(frozen=True, slots=True)
class Change:
    """One value edited (`column`, `before`, `after`), or one row dropped. `row` counts from 0 within its part."""

    kind: Literal["edit", "drop"]
    part: str
    row: int
    row_hash: str
    column: str | None = None
    before: Any = None
    after: Any = None
    by: str = BY
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    id: str = field(default_factory=lambda: secrets.token_hex(6))


@dataclass(slots=True)
class Applied:
    """What stands for the rows of one part: values by row and column, and the rows that are dropped."""

    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.values or self.dropped)

    def row(self, index: int, row: Row) -> Row:
        """The row with its edits."""
        return {**row, **self.values.get(index, {})}


@dataclass(frozen=True, slots=True)
class Standing:
    """Changes that apply to the rows as they are now, each at its row, and those whose row is gone."""

    applied: tuple[Change, ...] = ()
    lost: tuple[Change, ...] = ()

    def of(self, part: str) -> Applied:
        """What stands in one part."""
        found = Applied()
        for change in self.applied:
            if change.part != part:
                continue
            if change.kind == "drop":
                found.dropped.add(change.row)
            elif change.column is not None:
                found.values.setdefault(change.row, {})[change.column] = change.after
        for index in found.dropped:
            found.values.pop(index, None)
        return found


class ByHand:
    """The changes of a run, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def changes(self) -> list[Change]:
        """Those that were not undone, oldest first. A line that a crash tore is left out."""
        found: dict[str, Change] = {}
        with suppress(FileNotFoundError):
            for line in self.path.read_bytes().splitlines():
                with suppress(ValueError, TypeError, KeyError):
                    written = decode(line)
                    if written["kind"] == "undo":
                        found.pop(written["undoes"], None)
                    else:
                        change = Change(**written)
                        found[change.id] = change
        return list(found.values())

    def add(self, changes: Iterable[Change]) -> None:
        self._append(encode(asdict(change)) for change in changes)

    def undo(self, change_id: str) -> Change:
        """Undo one change; returns it.

        Raises:
            UnknownChange: There is no such change.
        """
        change = next((one for one in self.changes() if one.id == change_id), None)
        if change is None:
            raise UnknownChange("there is no such change", "it was undone already; look at the list again")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._append([encode({"kind": "undo", "undoes": change_id, "by": BY, "at": now})])
        return change

    def _append(self, lines: Iterable[bytes]) -> None:
        with appended(self.path) as file:
            file.write(b"".join(line + b"\n" for line in lines))

    def stamp(self) -> tuple[int, int]:
        """Differs whenever the changes do."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)


def row_hash(row: Row) -> str:
    """The same for the same columns and values, whatever their order."""
    return hashlib.blake2b(encode({name: row[name] for name in sorted(row)}), digest_size=16).hexdigest()


class Rows(Protocol):
    """The rows of one part."""

    def rows_at(self, indexes: Iterable[int]) -> dict[int, Row]: ...

    def rows(self) -> Iterator[tuple[int, Row]]: ...


Places = dict[tuple[int, str], int | None]


def settle(changes: Sequence[Change], parts: Mapping[str, Rows], known: Mapping[str, Places] | None = None) -> Standing:
    """Find the row of each change: at its place, else anywhere in its part. All rows are read only if one is not in its place.

    `known`: what earlier calls found, by part; it is added to.
    """
    places: dict[str, Places] = {name: (known or {}).get(name, {}) for name in parts}
    for name, found in places.items():
        wanted = {(one.row, one.row_hash) for one in changes if one.part == name} - found.keys()
        if not wanted:
            continue
        rows = parts[name].rows_at(row for row, _ in wanted)
        is_here = {key: key[0] in rows and row_hash(rows[key[0]]) == key[1] for key in wanted}
        found.update({key: key[0] for key, here in is_here.items() if here})
        if missing := sorted(key for key, here in is_here.items() if not here):
            found.update(_searched(missing, {place for place in found.values() if place is not None}, parts[name].rows()))
    applied, lost = [], []
    for change in changes:
        place = places.get(change.part, {}).get((change.row, change.row_hash))
        if place is None:
            lost.append(change)
        else:
            applied.append(replace(change, row=place))
    return Standing(tuple(applied), tuple(lost))


def _searched(missing: Sequence[tuple[int, str]], taken: set[int], rows: Iterator[tuple[int, Row]]) -> Places:
    """The first free row with the hash that each wants."""
    found: Places = dict.fromkeys(missing)
    wanted: dict[str, list[tuple[int, str]]] = {}
    for key in missing:
        wanted.setdefault(key[1], []).append(key)
    for index, row in rows:
        if not wanted:
            break
        if index not in taken and (keys := wanted.get(this := row_hash(row))):
            found[keys.pop(0)] = index
            if not keys:
                del wanted[this]
    return found


def in_words(standing: Standing) -> str:
    """ "2 values edited, 1 row dropped"; empty when nothing stands."""
    edits = len({(one.part, one.row, one.column) for one in standing.applied if one.kind == "edit"})
    drops = len({(one.part, one.row) for one in standing.applied if one.kind == "drop"})
    parts = [
        f"{count:,} {noun}{'' if count == 1 else 's'} {verb}"
        for count, noun, verb in ((edits, "value", "edited"), (drops, "row", "dropped"))
        if count
    ]
    return ", ".join(parts)


def as_lines(changes: Iterable[Change]) -> bytes:
    """The file that is published with the rows."""
    return b"".join(encode(asdict(change)) + b"\n" for change in changes)


def rows_left(rows: Mapping[str, int], standing: Standing) -> int:
    """How many rows there are without those that were dropped."""
    return sum(rows.values()) - len({(one.part, one.row) for one in standing.applied if one.kind == "drop"})
