"""Plain data and calls as Python code, broken over lines as formatters do."""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 110
INDENT = "    "
ESCAPED = 6
"""Characters that quotes and a few escapes take of a line."""
MOST_LINES = 10_000


@dataclass(frozen=True, slots=True)
class Code:
    """Code that stands for itself: a name."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call with values in their order and by name. Names that Python does not take go through `**`."""

    function: str
    values: Sequence[Any] = ()
    named: Mapping[str, Any] | None = None


def written(value: Any, depth: int = 0, before: int = 0, after: int = 1) -> str:
    """Code for a value that starts `before` characters into a line that is indented `depth` times.

    `after` characters follow on its last line.
    """
    room = WIDTH - len(INDENT) * depth - before - after
    flat = _flat(value, room)
    if flat is not None and len(flat) <= room and not _is_better_broken(value):
        return flat
    inner, outer = "\n" + INDENT * (depth + 1), "\n" + INDENT * depth
    match value:
        case Call():
            parts = [written(one, depth + 1) for one in value.values]
            parts += [_argument(name, one, depth + 1) for name, one in _plain(value.named).items()]
            if odd := _odd(value.named):
                parts.append(f"**{written(odd, depth + 1, 2)}")
            return f"{value.function}({''.join(f'{inner}{part},' for part in parts)}{outer if parts else ''})"
        case list() | tuple() if value:
            return f"[{''.join(f'{inner}{written(one, depth + 1)},' for one in value)}{outer}]"
        case dict() if value:
            pairs = ((text(key), one) for key, one in value.items())
            return f"{{{''.join(f'{inner}{key}: {written(one, depth + 1, len(key) + 2)},' for key, one in pairs)}{outer}}}"
        case str() if len(pieces := _pieces(value, WIDTH - len(INDENT) * (depth + 1) - ESCAPED)) > 1:
            return f"({''.join(inner + text(piece) for piece in pieces)}{outer})"
    return _one(value)


def text(value: str) -> str:
    """A text in quotes: double ones, where they need not be escaped."""
    found = repr(value)
    if found[0] == '"' or ('"' in value and "'" not in value):
        return found
    return '"' + found[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'


def is_name(word: str) -> bool:
    """Whether Python takes a word for a name."""
    return word.isidentifier() and word.isascii() and not keyword.iskeyword(word)


def _argument(name: str, value: Any, depth: int) -> str:
    return f"{name}={written(value, depth, len(name) + 1)}"


def _plain(named: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (named or {}).items() if is_name(name)}


def _odd(named: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (named or {}).items() if not is_name(name)}


def _is_better_broken(value: Any) -> bool:
    """Texts of several lines read line by line."""
    return isinstance(value, str) and "\n" in value[:-1]


def _pieces(value: str, room: int) -> list[str]:
    """A text in lines, and what is longer than the room for it broken after a space."""
    if value.count("\n") > MOST_LINES:
        return [value]
    return [piece for line in value.splitlines(keepends=True) for piece in _parts(line, room)]


def _parts(line: str, room: int) -> Iterator[str]:
    while len(line) > room and (end := line.rfind(" ", 0, room) + 1):
        yield line[:end]
        line = line[end:]
    yield line


def _flat(value: Any, room: int) -> str | None:
    """All on one line; None as soon as that is too long."""
    match value:
        case Call():
            found = [_flat(one, room) for one in value.values]
            for name, one in _plain(value.named).items():
                if isinstance(one, str) and _is_better_broken(one):
                    return None
                found.append(None if (flat := _flat(one, room)) is None else f"{name}={flat}")
            if odd := _odd(value.named):
                found.append(None if (flat := _flat(odd, room)) is None else f"**{flat}")
            return _joined(f"{value.function}(", found, ")", room)
        case list() | tuple():
            return _joined("[", (_flat(one, room) for one in value), "]", room)
        case dict():
            pairs = ((text(key), _flat(one, room)) for key, one in value.items())
            return _joined("{", (None if one is None else f"{key}: {one}" for key, one in pairs), "}", room)
        case str() if len(value) > room:
            return None
    return _one(value)


def _joined(start: str, parts: Any, end: str, room: int) -> str | None:
    kept: list[str] = []
    length = len(start) + len(end)
    for part in parts:
        if part is None or (length := length + len(part) + 2) > room + 2:
            return None
        kept.append(part)
    return f"{start}{', '.join(kept)}{end}"


def _one(value: Any) -> str:
    match value:
        case Code():
            return value.text
        case Call():
            return f"{value.function}()"
        case str():
            return text(value)
        case float() if not math.isfinite(value):
            return f'float("{value}")'
        case list() | tuple():
            return "[]"
    return repr(value)
