"""Vectors as texts: what a journal keeps of them. Four bytes a number, as models compute them, in base64."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Iterable

_START = "data:application/x-float32;base64,"
"""A data address, so that whoever finds the text knows what it is."""
_SHOWN = 4


def packed(vector: Iterable[float] | str) -> str:
    """A vector as a text; one in base64 is taken as it is.

    Raises:
        ValueError: It holds something that is no number, or nothing, or no base64 of numbers.
    """
    if isinstance(vector, str):
        if not _numbers_in(vector):
            raise ValueError("a vector without numbers")
        return _START + vector
    try:
        numbers = array("f", vector)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"a vector that is none: {error}") from error
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError("a vector without numbers")
    if sys.byteorder == "big":
        numbers.byteswap()
    return _START + base64.b64encode(numbers.tobytes()).decode()


def unpacked(text: str) -> list[float]:
    """The vector in such a text.

    Raises:
        ValueError: There is none.
    """
    if not text.startswith(_START):
        raise ValueError("no vector")
    return _numbers_in(text.removeprefix(_START)).tolist()


def in_short(text: str) -> str:
    """A text for people: of a vector its first numbers, and how many there are; any other as it is."""
    try:
        vector = unpacked(text)
    except ValueError:
        return text
    first = ", ".join(f"{number:.4g}" for number in vector[:_SHOWN])
    return f"[{first}{', ...' if len(vector) > _SHOWN else ''}] ({len(vector)} numbers)"


def _numbers_in(encoded: str) -> array[float]:
    try:
        numbers = array("f", base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValueError("no base64 of numbers") from error
    if sys.byteorder == "big":
        numbers.byteswap()
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a vector with something that is no number")
    return numbers
