"""Values of rows as cells: typed, short enough to send, and plain data. The page shows them as text, never as markup."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from app.handlers.pictures import LARGE, SMALL, Pixels, image_in, parts_of, picture

CLIP = 600
WHOLE = 100_000
ITEMS = 20
RATING = re.compile(r"(^|_)ratings?$")

Cell = dict[str, Any]


def cell(column: str, value: Any, clip: int = CLIP, pixels: Pixels | None = None) -> Cell:
    """One value, by what it looks like: text, number, rating, chat, list, image, data, or nothing."""
    pixels = pixels or Pixels()
    if (image := image_in(value)) is not None and (small := picture(image, side_of(clip), pixels)):
        return {"kind": "image", **small}
    match value:
        case None:
            return {"kind": "none"}
        case bool():
            return {"kind": "flag", "text": "true" if value else "false"}
        case int() | float():
            is_rating = bool(RATING.search(column)) and 0 <= value <= 5
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            return {"kind": "rating" if is_rating else "number", "text": shown}
        case str():
            return {"kind": "text", **clipped(value, clip)}
        case bytes():
            return {"kind": "note", "text": f"{_size(len(value))} of bytes"}
        case dt.datetime() | dt.date() | dt.time():
            return {"kind": "text", "text": value.isoformat()}
        case [*messages] if messages and all(_is_message(message) for message in messages):
            turns = [_turn(message, clip, pixels) for message in _as_given(messages[:ITEMS])]
            return {"kind": "chat", "items": turns, "more": max(0, len(messages) - ITEMS)}
        case [*items] if RATING.search(column) and items and all(_is_number(item) or item is None for item in items):
            return {"kind": "ratings", "items": [None if item is None else f"{item:g}" for item in items[:ITEMS]]}
        case [*items] if items and (pictures := _images(items, side_of(clip), pixels)):
            return {"kind": "images", "items": pictures, "more": max(0, len(items) - ITEMS)}
        case [*items] if items and all(isinstance(item, str) or item is None for item in items):
            texts = [clipped(item or "", clip) for item in items[:ITEMS]]
            return {"kind": "list", "items": texts, "more": max(0, len(items) - ITEMS)}
        case dict() if (note := _tagged(value)) is not None:
            return note
        case dict() if isinstance(value.get("bytes"), bytes) and "path" in value:
            return {"kind": "note", "text": f"file, {_size(len(value['bytes']))}"}
    return {"kind": "data", **clipped(as_json(value), clip)}


def _images(items: list[Any], side: int, pixels: Pixels) -> list[dict[str, Any]]:
    """The first images of a list of images; none of any other list, or where one cannot be read."""
    found: list[dict[str, Any]] = []
    for item in items[:ITEMS]:
        data = image_in(item)
        if data is None or (shown := picture(data, side, pixels)) is None:
            return []
        found.append(shown)
    return found


def side_of(clip: int) -> int:
    """How large images are shown where texts are cut so."""
    return LARGE if clip >= WHOLE else SMALL


def rows_as_cells(rows: Iterable[Mapping[str, Any]], clip: int = CLIP) -> list[dict[str, Cell]]:
    pixels = Pixels()
    return [{str(name): cell(str(name), value, clip, pixels) for name, value in row.items()} for row in rows]


def columns_of(rows: Iterable[Mapping[str, Any]], first: Iterable[str] = ()) -> list[str]:
    """All columns of some rows, those in `first` first."""
    found = dict.fromkeys(str(name) for row in rows for name in row)
    return [*(name for name in first if name in found), *(name for name in found if name not in set(first))]


def clipped(text: str, clip: int) -> dict[str, Any]:
    """A text and, where it was cut, how long it is."""
    clean = text.encode(errors="replace").decode()
    return {"text": clean} if len(clean) <= clip else {"text": clean[:clip], "chars": len(clean)}


def as_json(value: Any) -> str:
    """Any value as JSON text for reading."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(value, default=_plain, option=options).decode()
    except (TypeError, orjson.JSONEncodeError):
        return repr(value)


def _plain(value: Any) -> Any:
    return f"{_size(len(value))} of bytes" if isinstance(value, bytes) else str(value)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and "content" in value


def _as_given(messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Messages whose contents were texts here and lists of parts there, and so were written as JSON."""
    contents = [message["content"] for message in messages]
    if not any(isinstance(content, str) and content.startswith('[{"type":') for content in contents):
        return messages
    try:
        return [{**message, "content": orjson.loads(content)} for message, content in zip(messages, contents, strict=True)]
    except (orjson.JSONDecodeError, TypeError):
        return messages


def _turn(message: Mapping[str, Any], clip: int, pixels: Pixels) -> dict[str, Any]:
    content = message["content"]
    if isinstance(content, list) and (parts := parts_of(content, side_of(clip), pixels)) is not None:
        return {"role": message["role"][:40], **clipped(parts[0], clip), "images": parts[1]}
    return {"role": message["role"][:40], **clipped(content if isinstance(content, str) else as_json(content), clip)}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _tagged(value: dict[str, Any]) -> Cell | None:
    """What the engine wrote of a value that JSON lacks."""
    match value.get("$distilflow"):
        case [("bytes" | "image") as kind, str(encoded)]:
            return {"kind": "note", "text": f"{kind}, {_size(len(encoded) * 3 // 4)}"}
        case [str(), (str() | int() | float()) as content]:
            return {"kind": "text", **clipped(str(content), CLIP)}
    return None


def _size(count: int) -> str:
    return f"{count} B" if count < 1000 else f"{count / 1000:.0f} KB" if count < 1e6 else f"{count / 1e6:.1f} MB"
