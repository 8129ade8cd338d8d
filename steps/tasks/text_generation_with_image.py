"""Ask a model about an image."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any, Literal

from pydantic import Field

from steps.base import Row
from steps.errors import RowError
from steps.llms.base import Chat
from steps.tasks.text_generation import TextGeneration
from steps.wording import quoted

_SIGNATURES = {b"\x89PNG": "png", b"GIF8": "gif", b"RIFF": "webp"}
_KEEPS_TRANSPARENCY = ("RGBA", "LA", "P")


class TextGenerationWithImage(TextGeneration):
    """Answers each instruction about an image.

    The column `image` holds an address, an image in base64, or an image itself: one of Pillow, the bytes of a file, or what
    data sets of the Hub hold (`{"bytes": ...}`). The prompt is a template, as in TextGeneration; the model must be able to see.

    Example:
        >>> row = {"instruction": "What is this?", "image": "https://example.com/tide.jpg"}
        >>> [message] = TextGenerationWithImage(image_type="url").format_input(row)
        >>> message["content"][1]
        {'type': 'image_url', 'image_url': {'url': 'https://example.com/tide.jpg'}}
    """

    image_type: Literal["url", "base64", "PIL"] = Field(
        default="url", description="What `image` holds: an address, base64, or an image."
    )

    def needs(self) -> list[str]:
        return [*super().needs(), "image"]

    def format_input(self, row: Row) -> Chat:
        *before, question = super().format_input(row)
        parts = [
            {"type": "text", "text": question["content"]},
            {"type": "image_url", "image_url": {"url": self._address(row["image"])}},
        ]
        return [*before, {"role": "user", "content": parts}]

    def _address(self, image: Any) -> str:
        if self.image_type == "PIL":
            return _data_url(_file_of(image))
        if not isinstance(image, str) or not (image := image.strip()):
            raise RowError(f"column 'image' holds {quoted(image)}, not text", "set `image_type` to what the column holds")
        if image.startswith(("http://", "https://", "data:image/")):
            return image
        if self.image_type == "url":
            raise RowError(f"column 'image' holds {quoted(image)}, no address", "it should begin with https://")
        try:
            return _data_url(base64.b64decode("".join(image.split()), validate=True))
        except (binascii.Error, ValueError) as error:
            raise RowError(f"column 'image' holds no base64: {quoted(image)}", "set `image_type` to what it holds") from error


def _file_of(image: Any) -> bytes:
    """The image as the bytes of a file."""
    if isinstance(image, dict):
        image = image.get("bytes")
    if isinstance(image, bytes) and image:
        return image
    if not callable(getattr(image, "save", None)):
        raise RowError(f"column 'image' holds {quoted(image)}, no image", "set `image_type` to what the column holds")
    has_alpha = image.mode in _KEEPS_TRANSPARENCY
    file = io.BytesIO()
    (image if has_alpha else image.convert("RGB")).save(file, format="PNG" if has_alpha else "JPEG")
    return file.getvalue()


def _data_url(file: bytes) -> str:
    kind = next((kind for start, kind in _SIGNATURES.items() if file.startswith(start)), "jpeg")
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
