"""Finding a step by a word: the ranks are those of the palette."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steps.wording import did_you_mean, snake_case


def search(catalogue: Sequence[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """Entries that have every word of the query: in the name first, then in a column, in the summary, and in the text."""
    ranked = [(_rank(entry, query.lower().split()), entry) for entry in catalogue]
    return [entry for rank, entry in sorted(ranked, key=lambda one: one[0]) if rank < _NOWHERE]


_NOWHERE = 6


def _rank(entry: dict[str, Any], words: list[str]) -> int:
    return max((_rank_of(entry, word) for word in words), default=_NOWHERE)


def _rank_of(entry: dict[str, Any], word: str) -> int:
    name = entry["name"].lower()
    columns = [column.lower() for key in ("outputs", "inputs", "optional_inputs") for column in entry.get(key, ())]
    places = (
        name.startswith(word),
        word in name,
        word in columns,
        any(word in column for column in columns),
        word in entry["summary"].lower(),
        word in " ".join([entry["text"], *(paper["title"] for paper in entry["papers"])]).lower(),
    )
    return next((rank for rank, is_here in enumerate(places) if is_here), _NOWHERE)


def near_word(catalogue: Sequence[dict[str, Any]], query: str) -> str:
    """ " Did you mean 'x'?" of a word in a name, or nothing."""
    return did_you_mean(query.lower(), dict.fromkeys(part for one in catalogue for part in snake_case(one["name"]).split("_")))
