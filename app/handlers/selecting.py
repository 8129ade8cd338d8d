"""Which rows of a result are asked for, and in which order: search, filters, sort."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Any

import orjson
from cachetools import LRUCache, cached

from app.handlers.columns import OPERATORS, ResultColumn
from app.handlers.duck import Table, table_of
from flows.distiset.by_hand import Applied
from flows.distiset.parts import Part, Stamp
from steps.errors import DistilflowError
from steps.wording import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

MAX_FILTERS = 20
MAX_CHARS = 10_000
KEPT_BYTES = 128 * 2**20
_SQL = {"=": "=", "<": "<", "≤": "<=", "≥": ">=", ">": ">"}


class BadQuery(DistilflowError):
    """A filter, search or sort that cannot be."""

    code = "bad-query"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column."""

    column: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `sort` is a column and whether it goes down."""

    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: tuple[str, bool] | None = None

    @property
    def is_narrow(self) -> bool:
        return bool(self.search or self.filters)


def parse_query(search: str = "", filters: str = "", sort: str = "") -> Query:
    """A query as an address has it: filters as JSON `[[column, operator, value], ...]`, sort as `asc:column` or `desc:column`.

    Raises:
        BadQuery: It is none.
    """
    if len(search) > MAX_CHARS or len(filters) > 10 * MAX_CHARS:
        raise BadQuery("the search is too long", f"at most {MAX_CHARS:,} characters")
    return Query(search, _filters(filters) if filters else (), _sort(sort) if sort else None)


def _filters(text: str) -> tuple[Filter, ...]:
    wrong = BadQuery("the filters in this address cannot be read", "remove them, and set them anew")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise wrong from error
    is_fit = isinstance(found, list) and all(
        isinstance(one, list) and len(one) in (2, 3) and all(isinstance(part, str) for part in one) for one in found
    )
    if not is_fit:
        raise wrong
    if len(found) > MAX_FILTERS:
        raise BadQuery(f"there are {len(found)} filters", f"use at most {MAX_FILTERS}")
    return tuple(Filter(*one) for one in found)


def _sort(text: str) -> tuple[str, bool]:
    direction, colon, column = text.partition(":")
    if not colon or direction not in ("asc", "desc"):
        raise BadQuery("the sort in this address cannot be read", "click on the header of a column instead")
    return column, direction == "desc"


# ---- conditions


def condition(table: Table, query: Query) -> tuple[str, list[Any]]:
    """What rows must fulfil, as SQL and its parameters; "" when nothing.

    Raises:
        BadQuery: There is no such column, or it cannot be compared like that.
    """
    parts: list[str] = []
    values: list[Any] = []
    if query.search:
        texts = [text for column in table.columns if (text := column.text_sql)]
        parts.append("(" + (" OR ".join(f"contains(lower({text}), lower(?))" for text in texts) or "false") + ")")
        values += [query.search] * len(texts)
    for one in query.filters:
        sql, given = _condition(_column(table, one.column), one)
        parts.append(f"coalesce({sql}, false)")
        values += given
    return " AND ".join(parts), values


def _column(table: Table, name: str) -> ResultColumn:
    if name not in table.by_name:
        raise BadQuery(
            f"there is no column {name!r}", did_you_mean(name, table.by_name).strip() or f"columns: {', '.join(table.by_name)}"
        )
    return table.by_name[name]


def _condition(column: ResultColumn, one: Filter) -> tuple[str, list[Any]]:
    kind, name, operator = column.kind, column.value_sql, one.operator
    if operator not in OPERATORS[kind]:
        raise BadQuery(f"column {column.name!r} cannot be filtered by {operator!r}", f"use {', '.join(OPERATORS[kind])}")
    if operator in ("empty", "filled"):
        is_empty = f"({name} IS NULL{_nothing(column)})"
        return (is_empty if operator == "empty" else f"NOT {is_empty}"), []
    if operator.startswith("length"):
        return f"{'len' if kind == 'list' else 'length'}({name}) {_SQL[operator[-1]]} ?", [_whole(column, one)]
    if operator == "contains":
        text = column.text_sql
        if not one.value:  # every value there is, also a list of nothing, contains an empty text
            return f"{name} IS NOT NULL", []
        return (f"contains(lower({text}), lower(?))", [one.value]) if text else ("false", [])
    value = _value(column, one)
    if kind == "time":
        name = f"CAST({name} AS TIMESTAMP)"
    if operator == "≠":
        return f"{name} IS DISTINCT FROM ?", [value]
    return f"{name} {_SQL[operator]} ?", [value]


def _nothing(column: ResultColumn) -> str:
    """What counts as empty beside null."""
    match column.kind:
        case "text":
            return f" OR {column.sql} = ''"
        case "list":
            return f" OR len({column.sql}) = 0"
    return ""


def _value(column: ResultColumn, one: Filter) -> Any:
    wrong = BadQuery(f"{one.value!r} is no {_NAMES.get(column.kind, 'text')}, as column {column.name!r} holds", "write one")
    try:
        match column.kind:
            case "int":
                return _number(one.value, is_whole=True)
            case "float":
                return _number(one.value)
            case "bool":
                return {"true": True, "false": False, "yes": True, "no": False}[one.value.strip().lower()]
            case "time":
                found = dt.datetime.fromisoformat(one.value.strip())
                return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, KeyError, OverflowError) as error:
        raise wrong from error
    return one.value


_NAMES = {"int": "number", "float": "number", "bool": "true or false", "time": "date like 2026-01-31"}


def _number(text: str, *, is_whole: bool = False) -> int | float:
    """A number as it was typed; a whole one stays whole as long as 64 bits hold it."""
    cleaned = text.strip().replace(",", "")
    if is_whole and cleaned.removeprefix("-").isdecimal() and abs(int(cleaned)) < 2**63:
        return int(cleaned)
    found = float(cleaned)
    if math.isnan(found):
        raise ValueError(text)
    return found


def _whole(column: ResultColumn, one: Filter) -> int:
    try:
        return min(max(int(one.value), -(2**62)), 2**62)
    except ValueError as error:
        raise BadQuery(f"{one.value!r} is no length for column {column.name!r}", "write a whole number") from error


# ---- rows that fit


@cached(
    LRUCache(KEPT_BYTES, getsizeof=lambda places: places.nbytes),
    key=lambda part, applied, applied_stamp, query: (part.stamp, applied_stamp, query),
    condition=Condition(),
)
def select(part: Part, applied: Applied, applied_stamp: Stamp, query: Query) -> Places:
    """Places of the rows that fit, in order. The last answers are kept, so that the next page costs nothing.

    Raises:
        BadQuery: The query does not fit the columns.
        TooMuch: It took too long.
        UnreadableRows: A file cannot be read.
    """
    import numpy as np

    table = table_of(part)
    if not query.is_narrow and query.sort is None:
        every = np.arange(table.total, dtype=np.int64)
        return np.delete(every, [index for index in applied.dropped if index < table.total]) if applied.dropped else every
    where, values = condition(table, query)
    order = _order(_column(table, query.sort[0]), is_down=query.sort[1]) if query.sort else ""
    with table.asking(applied) as question:
        found = question.numbers(f"SELECT i FROM {{rows}}{f' WHERE {where}' if where else ''}{order}", values)
    places = np.asarray(found, dtype=np.int64)
    return places if order else np.sort(places)


def _order(column: ResultColumn, *, is_down: bool) -> str:
    if column.kind == "other":
        raise BadQuery(f"column {column.name!r} cannot be sorted by", "sort by another one")
    return f" ORDER BY {column.value_sql} {'DESC' if is_down else 'ASC'} NULLS LAST, i"


def position_of(places: Places, index: int) -> int | None:
    """Where a row stands among those that fit; None when it does not."""
    import numpy as np

    found = np.flatnonzero(places == index)
    return int(found[0]) if len(found) else None
