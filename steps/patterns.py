"""Regular expressions that come from shared files: neither they nor what they are matched with may take forever.

The package `regex` gives up after a time, which `re` does not. While it compiles, it writes repeats out, so their number is
bounded first.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from steps.errors import RowError
from steps.extras import extra

MOST_PARTS = 100_000
MOST_CHARS = 10_000
_PART = re.compile(
    r"\\. | \[\^?\]?(?:\\.|[^\]\\])*\] | (?P<open>\() | (?P<close>\)) | \{(?P<times>\d+)(?:,\d*)?\} | .", re.X | re.S
)
_CALL = re.compile(r"(?<!\\)(?:\\\\)*\(\?(?:R|[+-]?\d+|&\w+|P>\w+)\)")
"""Of a part of the pattern by another, or by itself: it may take all memory before it takes too long."""


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    if len(pattern) > MOST_CHARS:
        return f"it has {len(pattern):,} characters, of at most {MOST_CHARS:,}"
    if (parts := _parts(pattern)) > MOST_PARTS:
        return f"with its repeats written out it has {parts:,} parts, of at most {MOST_PARTS:,}"
    if call := _CALL.search(pattern):
        return f"it calls a part of itself: {call[0]}"
    regex = _regex()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            regex.compile(pattern)
    except RecursionError:
        return "it is nested too deep"
    except regex.error as error:
        return str(error)
    return None


def fits(pattern: str, text: str, *, whole: bool, seconds: float = 1) -> bool:
    """Whether a pattern matches the text: all of it, or something in it.

    Raises:
        RowError: That takes too long to tell.
    """
    regex = _regex()
    match = regex.fullmatch if whole else regex.search
    try:
        return match(pattern, text, timeout=seconds) is not None
    except TimeoutError as error:
        what = f"whether the pattern matches this text was not known after {seconds:g} s"
        raise RowError(what, "avoid repeats inside repeats, such as (a+)+, or allow it more time") from error


def _regex() -> Any:
    return extra("regex", "validators", "a pattern")


def _parts(pattern: str) -> int:
    """How many parts a pattern has when its repeats are written out."""
    sizes, last = [0], 0
    for part in _PART.finditer(pattern):
        if part["open"]:
            sizes.append(0)
            continue
        if part["times"]:
            times = int(part["times"]) if len(part["times"]) < 10 else MOST_PARTS + 1
            sizes[-1] += last * (max(times, 1) - 1)
            last *= max(times, 1)
            continue
        last = (sizes.pop() or 1) if part["close"] and len(sizes) > 1 else 1
        sizes[-1] += last
    return sum(sizes)
