"""A row on its way through the engine: an id, a key, and JSON bytes that the scheduler forwards unread.

The id says where the row stands in this run: its position in the source, and for each step that multiplied rows its place
among its siblings ("41", "41.0", "41.0.3"). It orders rows and matches branches. The key says what the row is, in any run:
a hash of the row as its source made it (and of its number among equal rows), and of its place among siblings since. The
ledger is looked up by step and key.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from xxhash import xxh3_128_digest

KEY_BYTES = 16
_START_BYTES = 8
_NEWEST_KEYS = 2**17


class Item(NamedTuple):
    """One row: `id` in this run, `key` in every run, `body` in JSON (of a list of rows where branches meet)."""

    id: str
    key: bytes
    body: bytes


class ContentKeys:
    """Keys of the rows that a source, or a step over all rows, has made; equal rows get different ones, in their order.

    It remembers 8 bytes of every key: those of the last rows in a set, all others in a sorted array.
    """

    def __init__(self) -> None:
        self._newest: set[bytes] = set()
        self._older: Any = None
        self._np: Any = None
        self._again: dict[bytes, int] = {}

    def keys(self, bodies: Sequence[bytes]) -> list[bytes]:
        """The keys of the next rows, given their JSON."""
        keys = list(map(xxh3_128_digest, bodies))
        starts = [key[:_START_BYTES] for key in keys]
        fresh, older = set(starts), self._among_older(starts)
        if len(fresh) == len(starts) and not older and self._newest.isdisjoint(fresh):
            self._newest |= fresh
        else:
            keys = [self._numbered(*one, older) for one in zip(keys, starts, bodies, strict=True)]
        if len(self._newest) > _NEWEST_KEYS:
            self._age()
        return keys

    def _numbered(self, key: bytes, start: bytes, body: bytes, older: set[bytes]) -> bytes:
        if start not in older and start not in self._newest:
            self._newest.add(start)
            return key
        self._again[start] = number = self._again.get(start, 0) + 1
        return xxh3_128_digest(body, number)

    def _among_older(self, starts: list[bytes]) -> set[bytes]:
        if self._older is None:
            return set()
        numbers = self._np.frombuffer(b"".join(starts), dtype="<u8")
        at = self._older.searchsorted(numbers)
        at[at == len(self._older)] = 0
        return {starts[number] for number in (self._older[at] == numbers).nonzero()[0]}

    def _age(self) -> None:
        import numpy  # here: most sources are smaller, and a worker without it takes half the memory

        self._np = numpy
        newest = numpy.frombuffer(b"".join(self._newest), dtype="<u8")
        older = newest if self._older is None else numpy.concatenate([self._older, newest])
        self._older = numpy.sort(older, kind="stable")
        self._newest = set()


def child_key(parent: bytes, at: int) -> bytes:
    """Key of the `at`-th row that a step made of one row."""
    return hashlib.blake2b(parent + at.to_bytes(8, "little"), digest_size=KEY_BYTES).digest()


def joined_key(keys: list[bytes], names: list[str], *, complete: bool) -> bytes:
    """Key of a row that branches made together: their common one if all of them took part and none changed it."""
    if complete and len(set(keys)) == 1:
        return keys[0]
    parts = b"".join(key + name.encode() + b"\0" for key, name in zip(keys, names, strict=True))
    return hashlib.blake2b(parts, digest_size=KEY_BYTES).digest()


def order_of(item_id: str) -> tuple[int, ...]:
    """What to sort ids by."""
    return tuple(map(int, item_id.split(".")))


def prefix(item_id: str, depth: int) -> str:
    """The first `depth` places of an id: the row it came from."""
    if depth == 1:
        return item_id.partition(".")[0]
    return ".".join(item_id.split(".", depth)[:depth])


_U32 = struct.Struct("<I")


def pack(items: list[Item]) -> bytes:
    """Items as one message."""
    head = orjson.dumps([[item.id for item in items], [len(item.body) for item in items]])
    return b"".join([_U32.pack(len(head)), head, *[item.key for item in items], *[item.body for item in items]])


def unpack(data: bytes) -> list[Item]:
    """The items of a message that `pack` made."""
    (size,) = _U32.unpack_from(data)
    ids, lengths = orjson.loads(data[4 : 4 + size])
    at_key, at_body = 4 + size, 4 + size + KEY_BYTES * len(ids)
    items = []
    for item_id, length in zip(ids, lengths, strict=True):
        items.append(Item(item_id, data[at_key : at_key + KEY_BYTES], data[at_body : at_body + length]))
        at_key += KEY_BYTES
        at_body += length
    return items
