"""Ask a model about an image."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from steps.base import FILL_IT, Row
from steps.components import LOCAL_FILES
from steps.errors import Complaint, RowError
from steps.images.files import MOST_BYTES, data_address, kind_of
from steps.images.reading import require_readable
from steps.llms.base import Chat
from steps.tasks.text_generation import TextGeneration
from steps.wording import quoted

_KEEPS_TRANSPARENCY = ("RGBA", "LA", "P")


class TextGenerationWithImage(TextGeneration):
    """Answers each instruction about an image.

    The column `image` holds an address, an image in base64, or an image itself: one of Pillow, the bytes of a file, or what
    data sets of the Hub hold (`{"bytes": ..., "path": ...}`); a name of a file counts from `images_dir`. Several images stand
    in a list. The prompt is a template, as in TextGeneration; the model must be able to see.

    Example:
        >>> row = {"instruction": "What is this?", "image": "https://example.com/tide.jpg"}
        >>> [message] = TextGenerationWithImage(image_type="url").format_input(row)
        >>> message["content"][1]
        {'type': 'image_url', 'image_url': {'url': 'https://example.com/tide.jpg'}}
    """

    image_type: Literal["url", "base64", "PIL"] = Field(
        default="url",
        description="What a text in `image` is: an address, or base64. Images themselves are known by their kind.",
    )
    images_dir: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of this machine in which names in `image` are files. Empty: no files are read.",
        json_schema_extra=LOCAL_FILES,
    )

    def needs(self) -> list[str]:
        return [*super().needs(), "image"]

    def format_input(self, row: Row) -> Chat:
        *before, question = super().format_input(row)
        images = row["image"] if isinstance(row["image"], list) else [row["image"]]
        if not images:
            raise RowError("column 'image' holds an empty list", FILL_IT)
        shown = [{"type": "image_url", "image_url": {"url": self._address(image)}} for image in images]
        return [*before, {"role": "user", "content": [{"type": "text", "text": question["content"]}, *shown]}]

    def check(self) -> Iterable[Complaint]:
        yield from super().check()
        blind = dict.fromkeys(llm.model_name for llm in self.answering_models().values() if llm.sees is False)
        for name in blind:
            yield f"the model {name!r} cannot see: it takes texts only", "choose one that takes images, such as gpt-4o-mini"
        if self.images_dir is not None and not Path(self.images_dir).expanduser().is_dir():
            yield f"images_dir {self.images_dir!r} is no folder", "name the folder in which the images lie"

    def _address(self, image: Any) -> str:
        if isinstance(image, dict) and not image.get("bytes") and isinstance(image.get("path"), str):
            image = image["path"]
        if not isinstance(image, str):
            return data_address(_file_of(image))
        if not (text := image.strip()):
            raise RowError("column 'image' holds a blank text", FILL_IT)
        if text.startswith(("http://", "https://", "data:image/")):
            return text
        if self.images_dir is not None and self.image_type != "base64":
            return data_address(self._read(text, Path(self.images_dir).expanduser()))
        if self.image_type != "base64":
            fix = "it should begin with https://; for base64 set image_type, and for files images_dir"
            raise RowError(f"column 'image' holds {quoted(text)}, no address", fix)
        try:
            return data_address(base64.b64decode("".join(text.split()), validate=True))
        except (binascii.Error, ValueError) as error:
            raise RowError(f"column 'image' holds no base64: {quoted(text)}", "set `image_type` to what it holds") from error

    def _read(self, name: str, folder: Path) -> bytes:
        """The file of this name in a folder: nothing outside of it, and nothing but images."""
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise RowError(f"column 'image' names {quoted(name)}, which lies outside of images_dir", "move it there")
        try:
            if path.stat().st_size > MOST_BYTES:
                raise RowError(f"the image {quoted(name)} has more than {MOST_BYTES // 2**20} MB", "make it smaller")
            file = path.read_bytes()
        except (OSError, ValueError) as error:
            what = f"the image {quoted(name)} cannot be read: {getattr(error, 'strerror', None) or error}"
            raise RowError(what, "check images_dir, and the name") from error
        if kind_of(file) is None:
            raise RowError(f"the file {quoted(name)} is no image", "PNG, JPEG, GIF, WebP and BMP are sent")
        return file


def _file_of(image: Any) -> bytes:
    """The image as the bytes of a file."""
    if isinstance(image, dict):
        image = image.get("bytes")
    if isinstance(image, bytes) and image:
        return image
    if not callable(getattr(image, "save", None)):
        fix = "give an address, base64, bytes, an image of Pillow, or a name in images_dir"
        raise RowError(f"column 'image' holds {quoted(image)}, no image", fix)
    require_readable(image, "make it smaller, or give the bytes of its file")
    has_alpha = image.mode in _KEEPS_TRANSPARENCY
    file = io.BytesIO()
    (image if has_alpha else image.convert("RGB")).save(file, format="PNG" if has_alpha else "JPEG")
    return file.getvalue()
