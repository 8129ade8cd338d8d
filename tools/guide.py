"""What docs/migrating.md lists as different from distilabel: read here for the catalogue's pages and for the tests."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "migrating.md"
NOT_HERE = "class"
"""Stands among the differences of a class that is not here at all."""
_LINE = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|", re.MULTILINE)
"""A line of a table whose first cell names classes and nothing else."""


def deviations() -> dict[str, set[str]]:
    """By class: the parameters and columns that the guide names as different, and `NOT_HERE`."""
    found: dict[str, set[str]] = {}
    for names, what in _LINE.findall(GUIDE.read_text(encoding="utf-8")):
        for name in re.findall(r"\w+", names):
            is_missing = [NOT_HERE] if what.startswith("the class") else []
            found.setdefault(name, set()).update(re.findall(r"`(\w+)`", what), is_missing)
    return found
