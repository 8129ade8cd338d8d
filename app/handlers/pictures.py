"""Images in rows, made small enough to send with them. They are other people's: only plain formats are read, no giants."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from cachetools import LRUCache

SMALL, LARGE = 320, 1280
"""Longest side, in pixels: in a table, and of a row that is looked at alone."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MOST_BYTES = 32 * 2**20
MOST_PIXELS = 32_000_000
AT_ONCE = 160_000_000
"""Pixels that are read for one answer."""
KEPT_CHARS = 32 * 2**20
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
_ADDRESS = "data:image/"
_ORIENTATION = 0x0112
"""Exif tag: how a camera was held."""


@dataclass
class Pixels:
    """How many pixels may still be read for one answer; more images than that are named and not shown."""

    left: int = AT_ONCE

    def take(self, count: int) -> bool:
        self.left -= count
        return self.left >= 0


def image_in(value: Any) -> bytes | None:
    """The bytes of a value that is an image: {bytes, path} as `datasets.Image` keeps it, bytes, or a data: address."""
    match value:
        case {"bytes": bytes() as data, "path": _} if len(value) == 2:
            return data
        case bytes() if value.startswith(_STARTS):
            return value
        case str() if value.startswith(_ADDRESS):
            _, _, encoded = value.partition(";base64,")
            try:
                return base64.b64decode(encoded, validate=True) if encoded else None
            except binascii.Error:
                return None
    return None


def picture(data: bytes, side: int, pixels: Pixels) -> dict[str, Any] | None:
    """An image as an address that a browser shows, no side above `side`, and its own size in pixels; None if unreadable."""
    if len(data) > MOST_BYTES:
        return None
    key = (hashlib.blake2b(data, digest_size=16).digest(), side)
    with _lock:
        known = _kept.get(key)
    if known is None and (known := _made(data, side, pixels)) is not None:
        with _lock:
            _kept[key] = known
    return known


def _made(data: bytes, side: int, pixels: Pixels) -> dict[str, Any] | None:
    pillow, turning = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS or not pixels.take(width * height):
                return None
            image.draft("RGB", (side, side))  # a JPEG is read at a fraction of its size
            image.thumbnail((side, side))
            if image.getexif().get(_ORIENTATION, 1) > 4:  # a camera that was held upright
                width, height = height, width
            turning.exif_transpose(image, in_place=True)
            made = io.BytesIO()
            (image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")).save(made, "WEBP", quality=80)
    except (OSError, ValueError, SyntaxError, EOFError, pillow.DecompressionBombError):  # what Pillow raises for torn files
        return None
    return {"src": f"data:image/webp;base64,{base64.b64encode(made.getvalue()).decode()}", "width": width, "height": height}


def parts_of(content: list[Any], side: int, pixels: Pixels) -> tuple[str, list[dict[str, Any]]] | None:
    """The texts and the images of a message made of parts, as chat APIs take them; None if it is something else."""
    texts, images = [], []
    for part in content:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": str(url) | {"url": str(url)}}:
                texts += [] if (shown := _shown(url, side, pixels)) else [_named(url)]
                images += [shown] if shown else []
            case {"type": "image", "image": image} if (data := image_in(image)) is not None:
                images += [shown] if (shown := picture(data, side, pixels)) else []
            case _:
                return None
    return "\n".join(texts), images


def _shown(url: str, side: int, pixels: Pixels) -> dict[str, Any] | None:
    data = image_in(url)
    return picture(data, side, pixels) if data is not None else None


def _named(url: str) -> str:
    """An image elsewhere is named, not fetched: nobody shall learn that the row was looked at."""
    return f"[image: {url[:200]}]" if not url.startswith(_ADDRESS) else "[image that cannot be read]"


_kept: LRUCache[tuple[bytes, int], dict[str, Any]] = LRUCache(KEPT_CHARS, getsizeof=lambda shown: len(shown["src"]))
_lock = Lock()


@cache
def _pillow() -> tuple[Any, Any]:
    from PIL import Image, ImageOps

    return Image, ImageOps
