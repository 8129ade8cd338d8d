"""Words that messages are made of: near names, short lists, values that were seen. Bounded, whatever was given."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

MOST_LISTED = 20
MOST_COMPARED = 200
LONGEST_WORD = 80

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60
_short.maxlevel = 3


def quoted(value: Any) -> str:
    """A value as messages show it: cut short when it is long."""
    return _short.repr(value)


def listed(names: Iterable[str]) -> str:
    """Names with commas between them; of very many, the first ones."""
    names = list(names)
    text = ", ".join(name if len(name) <= LONGEST_WORD else f"{name[:LONGEST_WORD]}..." for name in names[:MOST_LISTED])
    return text if len(names) <= MOST_LISTED else f"{text} and {len(names) - MOST_LISTED} more"


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that was probably meant."""
    if len(word) > LONGEST_WORD:
        return None
    alike = islice((option for option in options if abs(len(option) - len(word)) <= len(word) // 2 + 2), MOST_COMPARED)
    return next(iter(difflib.get_close_matches(word, alike, n=1, cutoff=0.6)), None)


def counted(number: int, noun: str) -> str:
    """A number and what it counts: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """ " Did you mean 'x'?" or nothing."""
    match = nearest(word, options)
    return f" Did you mean {match!r}?" if match else ""


def snake_case(name: str) -> str:
    """`UltraFeedback` -> `ultra_feedback`, `FormatTextGenerationDPO` -> `format_text_generation_dpo`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()
