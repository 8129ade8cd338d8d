from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.handlers import hand_edits, results, statistics
from app.handlers.selecting import Filter, Query
from tests.app.made import PART, result_of

TABLE = pa.table(
    {
        "text": [f"{'word ' * (n % 40)}{n}" for n in range(200)],
        "rating": [n % 5 + 1 for n in range(200)],
        "big": [n * 1000 for n in range(200)],
        "score": [None if n % 10 == 0 else float("nan") if n == 1 else n / 200 for n in range(200)],
        "kind": [("a", "b", "")[n % 3] for n in range(200)],
        "flag": [n % 4 == 0 for n in range(200)],
        "ratings": [[1, n % 5, None] for n in range(200)],
        "chat": [[{"role": "user", "content": "hi"}] * (n % 3) for n in range(200)],
        "day": [dt.date(2026, 1, 1 + n % 28) for n in range(200)],
        "nothing": pa.array([None] * 200, pa.string()),
        "record": [{"a": n} for n in range(200)],
        "raw": [b"x"] * 200,
    }
)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    return result_of(tmp_path, TABLE, row_group_size=30)


@pytest.mark.parametrize(
    ("column", "caption"),
    [
        ("text", "text · 1–198 chars, all distinct"),
        ("rating", "int · mean 3"),
        ("big", "int · mean 99,500, 0 to 199,000"),
        ("kind", "text · 3 values"),
        ("flag", "yes or no"),
        ("ratings", "list of int · mean 1.5"),
        ("chat", "list · 0–2 items"),
        ("day", "2026-01-01 to 2026-01-28"),
        ("nothing", "nothing but empty cells"),
        ("record", "{a}"),
        ("raw", "binary"),
    ],
)
def test_a_column_is_told_in_a_line(run: Any, column: str, caption: str) -> None:
    assert statistics.column_statistics(run, PART, column)["caption"] == caption


def test_missing_values_are_a_share(run: Any) -> None:
    found = statistics.column_statistics(run, PART, "score")

    assert (found["missing"], found["rows"]) == (21, 200)
    assert found["caption"].endswith("10% empty")


@pytest.mark.parametrize("column", ["text", "rating", "big", "score", "kind", "flag", "chat"])
def test_the_filters_of_a_bar_find_as_many_rows_as_it_says(run: Any, column: str) -> None:
    bars = statistics.column_statistics(run, PART, column)["bars"]

    for bar in bars:
        if bar["filters"]:
            query = Query(filters=tuple(Filter(*one) for one in bar["filters"]))
            assert results.page(run, query=query)["matched"] == bar["count"], bar
    assert sum(bar["count"] for bar in bars) == 200 - statistics.column_statistics(run, PART, column)["missing"]


def test_counts_follow_what_is_changed_by_hand(run: Any) -> None:
    assert statistics.column_statistics(run, PART, "rating")["rows"] == 200

    hand_edits.drop_row(run, PART, 3)

    assert statistics.column_statistics(run, PART, "rating")["rows"] == 199


@pytest.mark.parametrize("values", [[7], [0.5, 0.5], [float("inf"), 1.0], [-(2**63), 2**63 - 1]], ids=str)
def test_odd_spreads_have_bars_that_add_up(tmp_path: Path, values: list[Any]) -> None:
    run = result_of(tmp_path, pa.table({"n": values}))

    bars = statistics.column_statistics(run, None, "n")["bars"]

    assert sum(bar["count"] for bar in bars) == sum(value != float("inf") for value in values)
