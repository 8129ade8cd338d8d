"""A docstring in parts: its first line, what it goes on to say, the papers that it names, and its example."""

from __future__ import annotations

import inspect
import re
import textwrap
from functools import cache
from typing import NamedTuple, TypedDict

_EXAMPLE = "Example:\n"
_PAPERS = re.compile(r"(?:After|See)\s+(?P<papers>.+?,\s+https?://\S+)", re.DOTALL)
"""A paragraph of its own: `After TITLE, ADDRESS`, or several of them, with `, and` between."""
_PAPER = re.compile(r"(?P<title>.+?),\s+(?P<url>https?://[^\s,]+)(?:,\s+(?:and\s+)?|\s*$)", re.DOTALL)


class Paper(TypedDict):
    """Where a method comes from."""

    title: str
    url: str


class Docstring(NamedTuple):
    """The parts of one."""

    summary: str
    text: str
    """Paragraphs of Markdown, without the papers."""
    papers: tuple[Paper, ...]
    example: str
    """As doctest runs it; empty where there is none."""


@cache
def read_docstring(doc: str | None) -> Docstring:
    """The parts of a docstring."""
    summary, _, rest = inspect.cleandoc(doc or "").partition("\n")
    prose, _, example = rest.strip().partition(_EXAMPLE)
    text: list[str] = []
    papers: list[Paper] = []
    for paragraph in prose.strip().split("\n\n"):
        if named := _PAPERS.fullmatch(paragraph.strip()):
            papers += [
                Paper(title=" ".join(found["title"].split()), url=found["url"]) for found in _PAPER.finditer(named["papers"])
            ]
        else:
            text.append(paragraph)
    return Docstring(summary, "\n\n".join(text).strip(), tuple(papers), textwrap.dedent(example).strip())
