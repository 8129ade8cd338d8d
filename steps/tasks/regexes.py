"""Texts that a regular expression matches, made up."""

from __future__ import annotations

import importlib
import re
import string
from random import Random
from typing import Any

_MOST_REPEATS = 8
"""How often more than the least something is repeated."""
_MOST_TRIES = 50
_ALPHABET = string.ascii_letters + string.digits + string.punctuation + " "


def matching_text(pattern: str, rng: Random) -> str | None:
    """A text that `pattern` matches as a whole; None where none was found.

    Conditions on what stands before or after (lookarounds, boundaries) are met by chance alone.

    Raises:
        re.error: It is no regular expression.
    """
    compiled = re.compile(pattern)
    parsed = importlib.import_module("re._parser").parse(pattern)  # the parser of `re`, which has no public name since 3.11
    for _ in range(_MOST_TRIES):
        text = _Writer(rng).all_of(parsed)
        if compiled.fullmatch(text):
            return text
    return None


class _Writer:
    """Writes one text along a parsed pattern."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._groups: dict[int, str] = {}

    def all_of(self, parts: Any) -> str:
        return "".join(self._part(str(kind), given) for kind, given in parts)

    def _part(self, kind: str, given: Any) -> str:
        match kind:
            case "LITERAL":
                return chr(given)
            case "NOT_LITERAL":
                return self._rng.choice(_ALPHABET.replace(chr(given), ""))
            case "ANY":
                return self._rng.choice(_ALPHABET)
            case "IN":
                return self._one_of(given)
            case "BRANCH":
                return self.all_of(self._rng.choice(given[1]))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, parts = given
                return "".join(self.all_of(parts) for _ in range(self._rng.randint(least, min(most, least + _MOST_REPEATS))))
            case "SUBPATTERN":
                text = self.all_of(given[3])
                self._groups[given[0]] = text
                return text
            case "ATOMIC_GROUP":
                return self.all_of(given)
            case "GROUPREF":
                return self._groups.get(given, "")
            case "GROUPREF_EXISTS":
                group, yes, no = given
                return self.all_of((yes if group in self._groups else no) or ())
            case _:
                return ""  # a condition, not a text

    def _one_of(self, given: Any) -> str:
        kinds = [(str(kind), value) for kind, value in given]
        if kinds[0][0] == "NEGATE":
            return self._rng.choice([char for char in _ALPHABET if not any(_holds(*one, char) for one in kinds[1:])] or [""])
        kind, value = self._rng.choice(kinds)
        if kind == "LITERAL":
            return chr(value)
        if kind == "RANGE":
            return chr(self._rng.randint(*value))
        return self._rng.choice([char for char in _ALPHABET if _holds(kind, value, char)])


def _holds(kind: str, value: Any, char: str) -> bool:
    """Whether a character is in one part of a set."""
    if kind == "LITERAL":
        return char == chr(value)
    if kind == "RANGE":
        return ord(char) in range(value[0], value[1] + 1)
    return re.fullmatch(_CATEGORIES[str(value)], char) is not None


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
