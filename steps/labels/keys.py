"""Several texts as one, so that different texts never make the same."""

from __future__ import annotations

from collections.abc import Iterable

_BETWEEN = "\x1f"
_ESCAPES = str.maketrans({"\x1e": "\x1e0", _BETWEEN: "\x1e1"})


def key_of(parts: Iterable[str]) -> str:
    """Texts with a sign between them; where it stands in one, it is written otherwise.

    >>> key_of(["a", "b"]) == key_of(["a\\x1fb"])
    False
    """
    parts = list(parts)
    joined = _BETWEEN.join(parts)
    if joined.count(_BETWEEN) < len(parts) and "\x1e" not in joined:  # all but a few
        return joined
    return _BETWEEN.join(part.translate(_ESCAPES) for part in parts)


def parts_of(key: str) -> list[str]:
    """The texts that `key_of` made one of.

    >>> parts_of(key_of(["a\\x1f", "\\x1eb"])) == ["a\\x1f", "\\x1eb"]
    True
    """
    return [part.replace("\x1e1", _BETWEEN).replace("\x1e0", "\x1e") for part in key.split(_BETWEEN)]
