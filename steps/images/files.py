"""Image files: their kinds by how they begin, and as addresses that hold them (`data:image/png;base64,...`)."""

from __future__ import annotations

import base64
import re
from typing import Any

MOST_BYTES = 32 * 2**20
"""A file larger than this is no image that anybody should send or keep."""
_ADDRESS = re.compile(r"data:image/(?P<kind>[\w.+-]+);base64,")
_STARTS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"BM", "bmp"))


def kind_of(file: bytes) -> str | None:
    """png, jpeg, gif, webp or bmp; None for anything else."""
    if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in _STARTS if file.startswith(start)), None)


def data_address(file: bytes, otherwise: str = "jpeg") -> str:
    """An address that holds the file."""
    return f"data:image/{kind_of(file) or otherwise};base64,{base64.b64encode(file).decode()}"


def file_in(address: str) -> bytes:
    """The file in such an address.

    Raises:
        ValueError: There is none.
    """
    if not (start := _ADDRESS.match(address)):
        raise ValueError("no address of an image")
    try:
        return base64.b64decode(address[start.end() :], validate=True)
    except ValueError as error:
        raise ValueError("no base64 of an image") from error


def in_short(text: str) -> str:
    """A text for people: of an image what it is, and how large; any other as it is."""
    if not (start := _ADDRESS.match(text)):
        return text
    return f"[image: {start['kind']}, {(len(text) - start.end()) * 3 // 4:,} bytes]"


def for_reading(value: Any) -> Any:
    """A value for people who read text: images that it holds are told of, not shown letter by letter."""
    match value:
        case str():
            return in_short(value)
        case bytes() if kind := kind_of(value):
            return f"[image: {kind}, {len(value):,} bytes]"
        case {"bytes": bytes(file), "path": None} if len(value) == 2 and kind_of(file):
            return for_reading(file)
        case list():
            return [for_reading(part) for part in value]
        case dict():
            return {key: for_reading(one) for key, one in value.items()}
    return value
