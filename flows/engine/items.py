"""A row on its way through the engine: an id, a key, and JSON bytes that the scheduler forwards unread.

The id says where the row stands in this run: its position in the source, and for each step that multiplied rows its place
among its siblings ("41", "41.0", "41.0.3"). It orders rows and matches branches. The key says what the row is, in any run:
a hash of the row as its source made it (and of its number among equal rows), and of its place among siblings since. The
ledger is looked up by step and key.
"""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

import orjson

KEY_BYTES = 16


class Item(NamedTuple):
    """One row: `id` in this run, `key` in every run, `body` in JSON (of a list of rows where branches meet)."""

    id: str
    key: bytes
    body: bytes


class ContentKeys:
    """Keys of the rows that a source, or a step over all rows, has made; equal rows get different ones, in their order."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._again: dict[bytes, int] = {}

    def key(self, body: bytes) -> bytes:
        key = hashlib.blake2b(body, digest_size=KEY_BYTES).digest()
        if key not in self._seen:
            self._seen.add(key)
            return key
        self._again[key] = number = self._again.get(key, 0) + 1
        return hashlib.blake2b(body, digest_size=KEY_BYTES, salt=number.to_bytes(8, "little")).digest()


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
