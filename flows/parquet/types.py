"""What a column holds, found by looking at its values, and the one type that fits several such findings.

Types only ever grow: null -> anything, int -> float, struct -> struct with more fields, anything -> JSON text. So the order in
which rows come, and how they are cut into chunks, changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain
from types import NoneType
from typing import Any, Literal

MAX_KEYS = 200
"""A dict column with more distinct keys than this is a mapping, not a record: it becomes JSON text."""
MAX_DEPTH = 30
"""Lists and dicts nested deeper than this become JSON text: Arrow's readers refuse such files."""
MAX_DIGITS = 38
MAX_DAYS = 10**8

Kind = Literal[
    "null", "bool", "int", "float", "text", "bytes", "date", "datetime", "datetime with time zone", "time", "duration",
    "decimal", "list", "dict", "json",
]  # fmt: skip
_SCALARS: dict[type, Kind] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    bytes: "bytes",
    dt.date: "date",
    dt.time: "time",
    dt.timedelta: "duration",
}


class OddValue(Exception):
    """A value that has no type here: the codec must make it plain first."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of values. `row` is the number of a row that showed it, `why` says of JSON text why it is needed."""

    kind: Kind
    item: Type | None = None
    fields: dict[str, Type] = field(default_factory=dict)
    digits: tuple[int, int] = (0, 0)
    """Of decimals: digits before the point, and after it."""
    row: int = field(default=-1, compare=False)
    why: str = field(default="", compare=False)

    @property
    def is_text(self) -> bool:
        """Whether it is stored as text. Columns without any value are, and so are dicts without any key."""
        return self.kind in ("null", "text", "json") or (self.kind == "dict" and not self.fields)

    @property
    def is_image(self) -> bool:
        """Whether it looks like what `datasets.Image` stores."""
        holds = [(name, inner.kind) for name, inner in self.fields.items()]
        return holds in ([("bytes", "bytes"), ("path", "null")], [("bytes", "bytes"), ("path", "text")])

    def needs_json(self) -> bool:
        """Whether values must be rewritten before they are stored."""
        if self.kind == "list" and self.item:
            return self.item.needs_json()
        return (self.is_text and self.kind in ("json", "dict")) or any(t.needs_json() for t in self.fields.values())

    def texts_of_json(self, path: str = "") -> Iterator[tuple[str, Type]]:
        """The places that become JSON text, by path: `scores`, `turns[].content`."""
        if self.kind == "json":
            yield path, self
        if self.item is not None:
            yield from self.item.texts_of_json(f"{path}[]")
        for name, inner in self.fields.items():
            yield from inner.texts_of_json(f"{path}.{name}" if path else name)


NULL = Type("null")


def type_of(values: Sequence[Any], row: int = -1, depth: int = 0) -> Type:
    """The type that fits all these values.

    Raises:
        OddValue: One of them is of a class that has none.
    """
    found = NULL
    for cls in dict.fromkeys(map(type, values)):
        if cls is NoneType:
            continue
        these = [value for value in values if type(value) is cls]
        found = join(found, _of_class(cls, these, row, depth))
    return found


def _of_class(cls: type, values: list[Any], row: int, depth: int) -> Type:
    if depth > MAX_DEPTH:
        return _json(f"is nested more than {MAX_DEPTH} levels deep", row)
    if cls is dict:
        return type_of_dicts(values, row, depth)
    if cls in (list, tuple):
        return Type("list", item=type_of(list(chain.from_iterable(values)), row, depth + 1), row=row)
    if cls is int and not (min(values) >= -(2**63) and max(values) < 2**63):
        return _json("holds integers of more than 64 bits", row)
    if cls is dt.datetime:
        aware = sum(value.utcoffset() is not None for value in values)
        if 0 < aware < len(values):
            return _json("holds times with and without a time zone", row)
        return Type("datetime with time zone" if aware else "datetime", row=row)
    if cls is dt.time and any(value.tzinfo is not None for value in values):
        return _json("holds times of day with a time zone", row)
    if cls is dt.timedelta and any(abs(value.days) > MAX_DAYS for value in values):
        return _json("holds durations that are too long for Parquet", row)
    if cls is Decimal:
        return _decimals(values, row)
    if cls not in _SCALARS:
        raise OddValue(cls.__name__)
    return Type(_SCALARS[cls], row=row)


def type_of_dicts(values: Sequence[dict[Any, Any]], row: int = -1, depth: int = 0, limit: int = MAX_KEYS) -> Type:
    """The dict type that fits all these; with `depth=0` and no limit that is the type of rows."""
    keys = dict.fromkeys(chain.from_iterable(values))
    if any(type(key) is not str for key in keys):
        raise OddValue("keys")
    try:
        "".join(keys).encode()
    except UnicodeEncodeError as error:
        raise OddValue("keys") from error
    if len(keys) > limit:
        return _too_many_keys(row)
    return Type("dict", fields={key: type_of([v[key] for v in values if key in v], row, depth + 1) for key in keys}, row=row)


def _decimals(values: list[Decimal], row: int) -> Type:
    whole = after = 0
    for value in values:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            return _json("holds decimals that are no number", row)
        after = max(after, -exponent)
        whole = max(whole, len(digits) + exponent)
    return _decimal(max(whole, 1), after, row)


def _decimal(whole: int, after: int, row: int) -> Type:
    if whole + after > MAX_DIGITS:
        return _json(f"holds decimals of more than {MAX_DIGITS} digits", row)
    return Type("decimal", digits=(whole, after), row=row)


def _json(why: str, row: int) -> Type:
    return Type("json", row=row, why=f"{why} (row {row})")


def _too_many_keys(row: int) -> Type:
    return _json(f"holds dicts with more than {MAX_KEYS} different keys", row)


def join(first: Type, second: Type, limit: int = MAX_KEYS) -> Type:
    """The smallest type that fits the values of both."""
    if second.kind == "null" or first.kind == "json":
        return first
    if first.kind == "null" or second.kind == "json":
        return second
    if {first.kind, second.kind} == {"int", "float"}:
        return replace(first, kind="float")
    if first.kind != second.kind:
        if first.row == second.row:
            return _json(f"holds {first.kind} and {second.kind}", first.row)
        why = f"holds {first.kind} (row {first.row}) and {second.kind} (row {second.row})"
        return Type("json", row=first.row, why=why)
    if first.kind == "decimal":
        whole, after = map(max, zip(first.digits, second.digits, strict=True))
        return _decimal(whole, after, first.row)
    if first.item is not None and second.item is not None:
        return replace(first, item=join(first.item, second.item))
    if first.kind == "dict":
        fields = {name: join(first.fields.get(name, NULL), inner) for name, inner in second.fields.items()}
        united = {**first.fields, **fields}
        return _too_many_keys(first.row) if len(united) > limit else replace(first, fields=united)
    return first


def is_stored_alike(old: Type, new: Type) -> bool:
    """Whether values written as `old` need not be written again now that the type is `new`."""
    if old.kind == "null":
        return new.is_text
    if old.kind != new.kind or list(old.fields) != list(new.fields):
        return False
    if old.item is not None and new.item is not None and not is_stored_alike(old.item, new.item):
        return False
    return old.digits == new.digits and all(is_stored_alike(old.fields[name], new.fields[name]) for name in old.fields)


def to_arrow(found: Type) -> Any:
    """The Arrow type in which such values are stored."""
    import pyarrow as pa

    if found.is_text:
        return pa.string()
    if found.kind == "list" and found.item is not None:
        return pa.list_(to_arrow(found.item))
    if found.kind == "dict":
        return pa.struct([pa.field(name, to_arrow(inner)) for name, inner in found.fields.items()])
    if found.kind == "decimal":
        return pa.decimal128(sum(found.digits), found.digits[1])
    return {
        "bool": pa.bool_(),
        "int": pa.int64(),
        "float": pa.float64(),
        "bytes": pa.binary(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
        "datetime with time zone": pa.timestamp("us", tz="UTC"),
        "time": pa.time64("us"),
        "duration": pa.duration("us"),
    }[found.kind]
