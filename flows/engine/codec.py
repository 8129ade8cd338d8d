"""Rows as JSON bytes and back, without losing what JSON lacks: bytes, dates, decimals, images, NaN, large integers."""

from __future__ import annotations

import base64
import datetime as dt
import io
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain, repeat
from operator import contains
from typing import Any

import orjson

from steps.errors import RowError

_TAG = "$distilflow"
_MARK = _TAG.encode()
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def encode(row: dict[str, Any]) -> bytes:
    """JSON bytes of a row.

    Raises:
        RowError: A column holds something that cannot be stored; the message names it.
    """
    try:
        data = orjson.dumps(row, default=_tagged, option=_OPTIONS)
    except TypeError:
        data = _encode_slowly(row)
    else:
        if (b"null" in data and _has_nan(row)) or _MARK in data:  # orjson writes NaN as null; a row may hold our tag itself
            data = _encode_slowly(row)
    return data


def encode_all(rows: Sequence[dict[str, Any]]) -> tuple[list[bytes], bool]:
    """JSON bytes of each row, and whether `decode` will give the rows back as they are: else steps should see what it gives.

    Raises:
        RowError: A column holds something that cannot be stored.
    """
    try:
        bodies = [orjson.dumps(row, _tagged, _OPTIONS) for row in rows]
    except TypeError:
        return list(map(encode, rows)), False
    joined = b"".join(bodies)  # looking into one long text is nearly twice as fast
    if b"null" not in joined and _MARK not in joined:
        return bodies, are_plain(rows)
    bodies = list(map(encode, rows))
    return bodies, are_plain(rows) and not any(map(contains, bodies, repeat(_MARK)))


def are_plain(rows: Iterable[dict[str, Any]]) -> bool:
    """Whether all columns hold what JSON has: as far as that tells, `decode` will give the rows back as they are."""
    return set(map(type, chain.from_iterable(map(dict.values, rows)))) <= _PLAIN


_PLAIN = {str, int, float, bool, type(None), list, dict}


def _encode_slowly(row: dict[str, Any]) -> bytes:
    try:
        columns = [(str(key), _plain(value, str(key))) for key, value in row.items()]
        plain = {_TAG: ["dict", columns]} if _TAG in row else dict(columns)
        return orjson.dumps(plain, default=_tagged, option=_OPTIONS)
    except (TypeError, RecursionError) as error:  # a value that cannot be stored was named before: what is left is depth
        raise RowError(f"the row cannot be stored: {error}", "keep its lists and dicts less deep, or as JSON text") from error


def decode(data: bytes) -> Any:
    """The value that `encode` was given: a row, or a list of rows.

    Raises:
        ValueError: `encode` wrote no such thing.
    """
    value = orjson.loads(data)
    if _MARK not in data:
        return value
    try:
        return _restored(value)
    except (ArithmeticError, RecursionError, TypeError) as error:
        raise ValueError(f"a value is not what its tag says: {error}") from error


def _tagged(value: Any) -> Any:
    """For orjson: a value that JSON lacks, as a tagged pair."""
    match value:
        case bytes() | bytearray():
            return {_TAG: ["bytes", base64.b64encode(value).decode()]}
        case dt.datetime() if value != value:  # NaT of pandas: nothing
            return None
        case dt.datetime():
            return {_TAG: ["datetime", value.isoformat()]}
        case dt.date():
            return {_TAG: ["date", value.isoformat()]}
        case dt.time():
            return {_TAG: ["time", value.isoformat()]}
        case dt.timedelta():
            return {_TAG: ["seconds", value.total_seconds()]}
        case Decimal():
            return {_TAG: ["decimal", str(value)]}
        case set() | frozenset():
            return sorted(value, key=repr)
        case _ if hasattr(value, "model_dump"):
            return value.model_dump(mode="json")
        case _ if type(value).__module__.startswith("PIL."):
            buffer = io.BytesIO()
            value.save(buffer, format="PNG")
            return {_TAG: ["image", base64.b64encode(buffer.getvalue()).decode()]}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _plain(value: Any, column: str) -> Any:
    """The slow way, value by value: for what orjson refuses or would change."""
    match value:
        case dict() if _TAG in value:
            return {_TAG: ["dict", [[str(key), _plain(inner, column)] for key, inner in value.items()]]}
        case dict():
            return {str(key): _plain(inner, column) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner, column) for inner in value]
        case float() if not math.isfinite(value):
            return {_TAG: ["float", repr(value)]}
        case _ if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
            return _plain(value.tolist(), column)
        case bool():
            return value
        case int() if not -(2**63) <= value < 2**64:
            return {_TAG: ["int", str(value)]}
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:  # lone surrogates
                return {_TAG: ["text", base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()]}
            return value
    try:
        return orjson.loads(orjson.dumps(value, default=_tagged, option=_OPTIONS))
    except TypeError as error:
        raise RowError(
            f"column {column!r} holds a {type(value).__name__}, which cannot be stored",
            "turn it into text, numbers, lists, dicts, bytes, a date or an image",
        ) from error


def _has_nan(value: Any) -> bool:
    match value:
        case float():
            return not math.isfinite(value)
        case dict():
            return any(_has_nan(inner) for inner in value.values())
        case list() | tuple():
            return any(_has_nan(inner) for inner in value)
        case _ if type(value).__module__ == "numpy":
            return True  # it may: the slow way looks at each number
    return False


def _restored(value: Any) -> Any:
    match value:
        case list():
            return [_restored(inner) for inner in value]
        case dict() if len(value) == 1 and _TAG in value and isinstance(value[_TAG], list) and len(value[_TAG]) == 2:
            return _untagged(*value[_TAG])
        case dict():
            return {key: _restored(inner) for key, inner in value.items()}
    return value


def _untagged(kind: str, value: Any) -> Any:
    match kind:
        case "bytes":
            return base64.b64decode(value)
        case "datetime":
            return dt.datetime.fromisoformat(value)
        case "date":
            return dt.date.fromisoformat(value)
        case "time":
            return dt.time.fromisoformat(value)
        case "seconds":
            return dt.timedelta(seconds=value)
        case "decimal":
            return Decimal(value)
        case "float":
            return float(value)
        case "int":
            return int(value)
        case "text":
            return base64.b64decode(value).decode("utf-8", "surrogatepass")
        case "dict":
            return {key: _restored(inner) for key, inner in value}
        case "image":
            return {"bytes": base64.b64decode(value), "path": None}  # what datasets.Image reads
    return {_TAG: [kind, value]}
