"""Code that stands in Markdown fences, as models write it."""

from __future__ import annotations

import re
from collections.abc import Collection

from steps.tasks.lenient_json import without_thoughts

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[^\s`{]*)(?P<rest>[^`]*)")


def code_in(text: str, languages: Collection[str]) -> str:
    """The code of a reply: the first fence that names one of these languages, else the first that names none or another.

    A text without fences is code as it is. A fence that is not closed reaches to the end. Thoughts before the answer
    (`<think>`) are passed over.
    """
    said = without_thoughts(text) if "<think" in text else text
    fences = _fences(said)
    if not fences:
        return said
    return next((code for language, code in fences if language.lower() in languages), fences[0][1])


def _fences(text: str) -> list[tuple[str, str]]:
    """Language and code of each fence."""
    found: list[tuple[str, str]] = []
    opened: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        mark = _FENCE.fullmatch(line.rstrip("\r\n"))
        if opened is None:
            if mark:
                opened, lines = mark, []
        elif mark and _closes(mark, opened):
            found.append((opened["language"], "".join(lines)))
            opened = None
        else:
            indent = opened["indent"]
            lines.append(line.removeprefix(indent) if indent else line)
    if opened is not None:
        found.append((opened["language"], "".join(lines)))
    return found


def _closes(mark: re.Match[str], opened: re.Match[str]) -> bool:
    return mark["marks"].startswith(opened["marks"]) and not mark["language"] and not mark["rest"].strip()
