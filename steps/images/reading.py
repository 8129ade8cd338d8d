"""Images that are read pixel by pixel, which takes hundreds of times the memory of their files: none that is too large."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from steps.errors import RowError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 50_000_000
"""What large cameras make; four bytes each."""
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")


@contextmanager
def opened(file: bytes, fix: str) -> Iterator[Image]:
    """The image in a file, of which only the head is read so far. `fix`: what to do about one that is too large.

    Raises:
        RowError: It has too many pixels.
        OSError: It is no image.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what it warns of is refused below
            image = Image.open(io.BytesIO(file), formats=_FORMATS)
    except Image.DecompressionBombError as error:  # Pillow does not say how wide and high
        raise RowError(f"the picture has more than {MOST_PIXELS // 10**6} million pixels", fix) from error
    with image:
        require_readable(image, fix)
        yield image


def require_readable(image: Image, fix: str) -> None:
    """See that an image is not too large, before its pixels are read.

    Raises:
        RowError: It is.
    """
    width, height = image.size
    if width * height > MOST_PIXELS:
        what = f"the picture has {width:,} x {height:,} pixels; up to {MOST_PIXELS // 10**6} million in all are read"
        raise RowError(what, fix)
