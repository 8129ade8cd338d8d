"""Texts that can be kept: files, strategies and pages are UTF-8, which has no halves of characters."""

from __future__ import annotations

from typing import Any


def spelled_out(value: Any) -> Any:
    """The same with halves of characters (lone surrogates) spelled out, so that different names stay different.

    >>> spelled_out({"annotator": "ann", "label": ["go\\ud800od"]})
    {'annotator': 'ann', 'label': ['go\\\\ud800od']}
    """
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {spelled_out(name): spelled_out(one) for name, one in value.items()}
        case list() | tuple():
            return [spelled_out(one) for one in value]
    return value
