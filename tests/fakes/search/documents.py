"""Documents of an index, and the values that lie in them at a path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


class UnknownQuery(ValueError):
    """A query that this stand-in does not know."""


class Index:
    """One index: its documents in the order in which they came."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties
        self.documents: dict[str, Document] = {}
        self.places: dict[str, int] = {}
        """When each document came first; `random_score` is made of it."""

    def put(self, name: str, document: Document) -> bool:
        """Keep a document in place of an older one; returns whether it is new."""
        is_new = name not in self.documents
        self.documents[name] = document
        self.places.setdefault(name, len(self.places))
        return is_new


def values_at(document: Any, path: str) -> list[Any]:
    """All values at a dotted path, lists taken apart. `*` stands for every key; a key may itself hold dots."""
    return [value for value in _walk(document, path.split(".")) if value is not None]


def _walk(value: Any, parts: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, parts)
    elif not parts:
        yield value
    elif isinstance(value, dict):
        if parts[0] == "*":
            for one in value.values():
                yield from _walk(one, parts[1:])
            return
        for end in range(1, len(parts) + 1):
            if (key := ".".join(parts[:end])) in value:
                yield from _walk(value[key], parts[end:])


def merge(document: Document, change: Document) -> None:
    """Change parts of a document, as partial updates do."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            merge(document[key], value)
        else:
            document[key] = value
