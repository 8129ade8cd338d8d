"""Columns of a result, by how people filter and count them, and how SQL reads their texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flows.parquet.reading import in_words as type_in_words

_PLAIN = {"string": "text", "large_string": "text", "int64": "int", "double": "float", "bool": "yes or no", "null": "empty"}
_COMPARED = ("=", "≠", "<", "≤", "≥", ">")
_ALWAYS = ("empty", "filled")
_MEASURED = ("length ≥", "length ≤")
OPERATORS: dict[str, tuple[str, ...]] = {
    "text": ("contains", *_COMPARED, *_ALWAYS, *_MEASURED),
    "int": (*_COMPARED, *_ALWAYS),
    "float": (*_COMPARED, *_ALWAYS),
    "time": (*_COMPARED, *_ALWAYS),
    "bool": ("=", "≠", *_ALWAYS),
    "list": ("contains", *_ALWAYS, *_MEASURED),
    "record": ("contains", *_ALWAYS),
    "other": _ALWAYS,
}
MAX_NESTING = 8


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result. In SQL it is named by its place: no name that came with the data is ever part of a statement."""

    name: str
    place: int
    type: Any
    """Its Arrow type."""

    @property
    def kind(self) -> str:
        return kind_of(self.type)

    @property
    def sql(self) -> str:
        return f"c{self.place}"

    @property
    def value_sql(self) -> str:
        """Its values as SQL; NaN is no value."""
        return number_sql(self.sql) if self.kind == "float" else self.sql

    @property
    def text_sql(self) -> str | None:
        """All texts in a value as one, as SQL; None when there can be none."""
        return _texts(self.type, self.sql, 0)

    def described(self) -> dict[str, Any]:
        return {"name": self.name, "type": type_words(self.type), "kind": self.kind, "operators": list(OPERATORS[self.kind])}


def columns_in(schema: Any) -> list[ResultColumn]:
    """The columns of an Arrow schema."""
    return [ResultColumn(field.name, place, field.type) for place, field in enumerate(schema)]


def number_sql(sql: str) -> str:
    """A float as SQL, null for NaN.

    DuckDB believes what a file says of its least and greatest value, which leaves NaN out: there `isnan` is always false.
    """
    value = f"CAST({sql} AS DOUBLE)"
    return f"(CASE WHEN isfinite({value}) OR isinf({value}) THEN {value} END)"


def kind_of(stored: Any) -> str:
    """What can be done with values of an Arrow type: see `OPERATORS`."""
    import pyarrow.types as kinds

    if kinds.is_string(stored) or kinds.is_large_string(stored):
        return "text"
    if kinds.is_boolean(stored):
        return "bool"
    if kinds.is_integer(stored):
        return "int"
    if kinds.is_floating(stored) or kinds.is_decimal(stored):
        return "float"
    if kinds.is_timestamp(stored) or kinds.is_date(stored):
        return "time"
    if kinds.is_list(stored) or kinds.is_large_list(stored):
        return "list"
    return "record" if kinds.is_struct(stored) else "other"


def type_words(stored: Any) -> str:
    """`list<string>` as "list of text"."""
    words = type_in_words(stored)
    for name, plain in _PLAIN.items():
        words = re.sub(rf"\b{name}\b", plain, words) if not words.startswith("{") else words
    return words


def is_numbers(stored: Any) -> bool:
    """Whether it is a list of numbers."""
    return kind_of(stored) == "list" and kind_of(stored.value_type) in ("int", "float")


def _texts(stored: Any, sql: str, depth: int) -> str | None:
    kind = kind_of(stored)
    if kind == "text":
        return sql
    if depth >= MAX_NESTING:
        return None
    if kind == "list":
        item = f"x{depth}"
        inner = _texts(stored.value_type, item, depth + 1)
        return inner and f"array_to_string(list_transform({sql}, lambda {item}: {inner}), chr(10))"
    if kind == "record":
        fields = [stored.field(at).type for at in range(stored.num_fields)]
        found = [_texts(one, f"struct_extract_at({sql}, {at + 1})", depth + 1) for at, one in enumerate(fields)]
        texts = [text for text in found if text]
        return f"concat_ws(chr(10), {', '.join(texts)})" if texts else None
    return None
