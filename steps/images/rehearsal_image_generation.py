"""The pictures that are always there: no network, no weights."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from steps.images.base import ImageGenerationModel
from steps.images.files import data_address
from steps.llms.base import Completion, Request

_TILES = 4


class RehearsalImageGeneration(ImageGenerationModel):
    """Stands in for a model: a pattern of colours for each prompt, for free.

    Equal prompts of different rows get different patterns, the same in every run.

    Example:
        >>> from steps.tasks import ImageGeneration
        >>> [row] = ImageGeneration(image_generation_model=RehearsalImageGeneration(side=8)).process([{"prompt": "a red fox"}])
        >>> row["image"]["bytes"][:4]
        b'\\x89PNG'
    """

    is_rehearsal: ClassVar[bool] = True
    is_free: ClassVar[bool] = True

    generation_kwargs: dict[str, Any] = Field(default_factory=dict, description="Has no effect.")
    side: int = Field(default=64, ge=4, le=1024, description="Width and height, in pixels.")
    seed: int = Field(default=0, description="Other patterns for another number.")

    @property
    def model_name(self) -> str:
        return "rehearsal"

    async def complete(self, request: Request) -> Completion:
        told = f"{self.seed} {request.asker} {request.chat[-1]['content']}"
        numbers = range(request.have, request.have + request.n)
        return Completion([data_address(_pattern(f"{told} {number}", self.side)) for number in numbers], self.model_name)


def _pattern(words: str, side: int) -> bytes:
    """A PNG with a few tiles in colours that the words decide."""
    colours = hashlib.shake_256(words.encode("utf-8", "surrogatepass")).digest(3 * _TILES * _TILES)
    rows = []
    for y in range(side):
        tiles = (y * _TILES // side * _TILES + x * _TILES // side for x in range(side))
        rows.append(b"\0" + b"".join(colours[3 * tile : 3 * tile + 3] for tile in tiles))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunks(parts))


def _chunks(parts: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    for name, data in parts:
        yield struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
