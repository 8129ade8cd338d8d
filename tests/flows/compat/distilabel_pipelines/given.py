"""The rows that a pipeline had in distilabel: its files hold none."""

from __future__ import annotations

from typing import Any

ROWS: dict[str, dict[str, list[dict[str, Any]]]] = {}
"""By pipeline and step, of loaders that read a file, a folder or the Hub."""

QUESTIONS: list[dict[str, Any]] = [
    {"instruction": "Why does ice crack in a drink?"},
    {"instruction": "Name three uses for a paper clip."},
    {"instruction": "How do tides work?"},
    {"instruction": "Write a line about rain."},
]
TEXTS: list[dict[str, Any]] = [
    {"text": "The ferry leaves at noon."},
    {"text": "At noon the ferry leaves."},
    {"text": "Copper conducts heat well."},
    {"text": "Whales sing to each other over long distances."},
    {"text": "The ferry leaves at noon."},
    {"text": "A stapler joins sheets of paper."},
]


def with_rows(loader: Any, rows: list[dict[str, Any]]) -> Any:
    """A step that would read these rows."""
    ROWS.setdefault(loader.pipeline.name, {})[loader.name] = rows
    return loader
