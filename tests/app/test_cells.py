from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app.handlers.cells import cell, rows_as_cells


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("x", None, "none"),
        ("x", "<script>", "text"),
        ("x", 3, "number"),
        ("x", True, "flag"),
        ("rating", 4, "rating"),
        ("chosen_rating", 4.5, "rating"),
        ("rating", 97, "number"),
        ("ratings", [1, None, 5], "ratings"),
        ("chosen", [{"role": "user", "content": "hi"}], "chat"),
        ("generations", ["a", "b"], "list"),
        ("meta", {"a": 1}, "data"),
        ("image", {"bytes": b"123", "path": None}, "note"),
        ("image", {"$distilflow": ["image", "aGk="]}, "note"),
        ("when", dt.datetime(2026, 1, 1), "text"),
        ("mixed", [1, "a", {}], "data"),
        ("empty", [], "data"),
    ],
)
def test_a_value_is_shown_as_what_it_looks_like(column: str, value: Any, kind: str) -> None:
    assert cell(column, value)["kind"] == kind


def test_long_texts_are_cut_and_say_how_long_they_are() -> None:
    found = cell("x", "a" * 1000, clip=10)

    assert (found["text"], found["chars"]) == ("a" * 10, 1000)


def test_hostile_rows_stay_data() -> None:
    rows = rows_as_cells([{"<img onerror=x>": {"__proto__": {"a": 1}}, "t": "\ud800 lone"}])

    assert rows[0]["t"]["text"] == "? lone"
    assert list(rows[0]) == ["<img onerror=x>", "t"]
