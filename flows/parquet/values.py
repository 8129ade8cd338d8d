"""Values on their way into a column: made plain, made to fit its type, and measured."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

from flows.engine.codec import decode, encode
from flows.parquet.types import Type
from steps.base import Row


def fitted(value: Any, found: Type) -> Any:
    """The value as a column of this type stores it."""
    if value is None:
        return None
    match found.kind:
        case "json":
            return json_text(value)
        case "dict" if not found.fields:
            return json_text(value)
        case "dict":
            return {name: fitted(value.get(name), inner) for name, inner in found.fields.items()}
        case "list" if found.item is not None:
            item = found.item
            return [fitted(inner, item) for inner in value]
        case "text":
            return clean_text(value)
        case "float":
            return float(value)
    return value


def json_text(value: Any) -> str:
    """Any value as JSON; what JSON lacks as text, bytes in base64, NaN as null."""
    return json.dumps(_for_json(value), ensure_ascii=False)


def _for_json(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():
            return clean_text(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {clean_text(str(key)): _for_json(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_for_json(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode()
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """The text with a question mark for each lone surrogate, which UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def plain(row: Row) -> Row:
    """The row as the ledger would give it back: only classes that have a type here, and keys that are text.

    Raises:
        RowError: A column holds something that cannot be stored; the message names it.
    """
    cleaned: Row = decode(encode(_clean_keys(row)))
    return cleaned


def _clean_keys(value: Any) -> Any:
    match value:
        case dict():
            return {clean_text(str(key)): _clean_keys(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_clean_keys(inner) for inner in value]
    return value


def weight(value: Any) -> int:
    """About how many bytes a value takes."""
    if isinstance(value, (str, bytes)):
        return len(value) + 16
    if isinstance(value, dict):
        return 16 + sum(map(weight, value.values()))
    if isinstance(value, (list, tuple)):
        return 16 + sum(map(weight, value))
    return 8
