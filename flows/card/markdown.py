"""Anybody's text inside Markdown and Mermaid, without becoming part of the markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

MAX_EXAMPLE = 80
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
_MARKUP = re.compile(r"([\\`*_\[\]|$~#!])")
_BARE = re.compile(r"[\w.:/ \-]+")


def one_line(value: Any, max_chars: int = MAX_EXAMPLE) -> str:
    """A value as one line of printable text, cut to a length."""
    text = value if isinstance(value, str) else _shown(value)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: max_chars * 4]).split())
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, dict) and value.keys() == {"bytes", "path"}:
        return f"({len(value['bytes'] or b'')} bytes)"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=lambda inner: _shown(inner))
    return str(value)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in a table cell too."""
    return "".join(_ENTITIES.get(c, c) for c in _MARKUP.sub(r"\\\1", text))


def cell(value: Any, max_chars: int = MAX_EXAMPLE) -> str:
    return escaped(one_line(value, max_chars))


def code(name: str, max_chars: int = 200) -> str:
    """A name in code type, or escaped where it holds what would end that."""
    line = one_line(name, max_chars)
    return f"`{line}`" if _BARE.fullmatch(line) else escaped(line)


def paragraphs(text: str) -> str:
    """Several lines of somebody's text: line breaks stay, nothing in it starts a heading, list, quote or fence."""
    lines = [escaped(one_line(line, 2000)) for line in text.strip().splitlines()]
    return "\n".join(re.sub(r"^([-+=]|\d+(?=[.)]))", _neutral, line) for line in lines)


def _neutral(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\u2060"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table of cells that are escaped already."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mermaid_text(text: str) -> str:
    """Text inside the quotes of a Mermaid label, where only letters, digits and a few signs stand for themselves."""
    return "".join(c if c.isalnum() or c in " _-.,=:()" else f"#{ord(c)};" for c in one_line(text, 60))
