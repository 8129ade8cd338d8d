"""Any rows into one Parquet file."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.parquet import describe_columns, file_name, write_rows, writing

Rows = list[dict[str, Any]]


def written(folder: Path, split: str = "train") -> Rows:
    rows: Rows = pq.read_table(folder / file_name(split)).to_pylist()
    return rows


def write(folder: Path, rows: Rows, **options: Any) -> tuple[Rows, list[str]]:
    warnings: list[str] = []
    assert write_rows(iter(rows), folder, warn=warnings.append, **options) == len(rows)
    return written(folder), warnings


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ([1, 2.5, None], [1.0, 2.5, None]),
        ([2**60 + 1, 0.5], [float(2**60 + 1), 0.5]),
        ([None, None], [None, None]),
        ([None, 3], [None, 3]),
        ([b"\xff", b""], [b"\xff", b""]),
        (["a\ud800b"], ["a?b"]),
        ([["a\udfff"], []], [["a?"], []]),
        ([{"a": 1}, {"b": "x"}, {}], [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"a": None, "b": None}]),
        ([[{"a": 1}], [{"a": 0.5, "b": [1]}]], [[{"a": 1.0, "b": None}], [{"a": 0.5, "b": [1]}]]),
        ([{}, None], ["{}", None]),
        ([{"a": {}}], [{"a": "{}"}]),
        ([(1, 2), [3]], [[1, 2], [3]]),
        ([{1: "a"}], [{"1": "a"}]),
        ([{3}], [[3]]),
        ([Decimal("1.5"), Decimal("10.25")], [Decimal("1.50"), Decimal("10.25")]),
        ([dt.date(2026, 1, 2)], [dt.date(2026, 1, 2)]),
        ([dt.datetime(2026, 1, 2, 3, 4, 5, 6)], [dt.datetime(2026, 1, 2, 3, 4, 5, 6)]),
        (
            [dt.datetime(2026, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=2)))],
            [dt.datetime(2026, 1, 2, 1, tzinfo=dt.UTC)],
        ),
        ([dt.time(1, 2)], [dt.time(1, 2)]),
        ([dt.timedelta(seconds=1.5)], [dt.timedelta(seconds=1.5)]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 100], ids=["drifting", "at-once"])
def test_values_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[Any], stored: list[Any], chunk: int
) -> None:
    monkeypatch.setattr(writing, "CHUNK_ROWS", chunk)

    rows, warnings = write(tmp_path, [{"x": value} for value in values])

    assert [row["x"] for row in rows] == stored
    assert warnings == []


@pytest.mark.parametrize("chunk", [1, 100], ids=["drifting", "at-once"])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, "1"], "'x' holds int (row 0) and text (row 1)"),
        ([None, "a", "b", ["a"]], "'x' holds text (row 1) and list (row 3)"),
        ([True, 1], "'x' holds bool (row 0) and int (row 1)"),
        ([[1, "a"]], "'x[]' holds int and text (row 0)"),
        ([{"a": 1}, {"b": 1}, {"a": "1"}], "'x.a' holds int (row 0) and text (row 2)"),
        ([1, 2**63], "'x' holds integers of more than 64 bits (row 1)"),
        ([{f"k{i}": i for i in range(150)}, {f"m{i}": i for i in range(51)}], "'x' holds dicts with more than 200"),
    ],
)
def test_values_without_a_common_type_become_json_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[Any], said: str, chunk: int
) -> None:
    monkeypatch.setattr(writing, "CHUNK_ROWS", chunk)

    rows, warnings = write(tmp_path, [{"x": value} for value in values])

    assert len(warnings) == 1
    assert said in warnings[0]
    if said.startswith("'x' "):
        assert [row["x"] if row["x"] is None else json.loads(row["x"]) for row in rows] == values


def test_nan_stays(tmp_path: Path) -> None:
    [row, _], _ = write(tmp_path, [{"x": float("nan")}, {"x": 1}])

    assert math.isnan(row["x"])


def test_columns_stand_as_the_plan_says_then_as_they_appear(tmp_path: Path) -> None:
    rows, _ = write(tmp_path, [{"z": 1, "b": 2}, {"a": 3, "z": 4, "new": 5}], columns=["a", "b", "never"])

    assert rows == [{"a": None, "b": 2, "z": 1, "new": None}, {"a": 3, "b": None, "z": 4, "new": 5}]
    assert list(rows[0]) == ["a", "b", "z", "new"]


def test_no_rows_still_have_columns(tmp_path: Path) -> None:
    assert write_rows([], tmp_path, columns=["a", "b"]) == 0
    assert [(column.name, column.type) for column in describe_columns(tmp_path / file_name())] == [
        ("a", "string"),
        ("b", "string"),
    ]


def test_deep_nesting_becomes_json(tmp_path: Path) -> None:
    value: Any = "end"
    for _ in range(100):
        value = [value]

    _, warnings = write(tmp_path, [{"x": value}])

    assert "30 levels" in warnings[0]


def test_images_are_what_datasets_reads_as_images(tmp_path: Path) -> None:
    import datasets
    from PIL import Image

    rows: Rows = [
        {"image": None},
        {"image": Image.new("RGB", (2, 2))},
        {"image": None, "sound": {"bytes": b"RI", "path": None}},
    ]
    write_rows(rows, tmp_path)

    loaded = datasets.Dataset(pq.read_table(tmp_path / file_name()))

    assert isinstance(loaded.features["image"], datasets.Image)
    assert loaded[1]["image"].size == (2, 2)
    assert loaded[2]["sound"] == {"bytes": b"RI", "path": None}


# ---- any rows

numbers = st.integers(-(2**70), 2**70) | st.floats()
leaves = st.none() | st.booleans() | numbers | st.text(st.characters(), max_size=5) | st.binary(max_size=3) | st.dates()
names = st.text(st.characters(codec="utf-8"), max_size=3)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
any_rows = st.lists(st.dictionaries(st.sampled_from("abcd"), values, max_size=4), max_size=12)


def expected(stored: Any, given: Any, *, is_json: bool = False) -> bool:
    """Whether this is what was given, or what the docs say it becomes."""
    match given:
        case None:
            return stored is None
        case float() if math.isnan(given) and not is_json:
            return stored == "null" or (isinstance(stored, float) and math.isnan(stored))
        case float() if is_json and not math.isfinite(given):
            return stored is None
        case str():
            clean = given.encode(errors="replace").decode()
            return stored == clean or (not is_json and as_json(stored, given))
        case bool() | int() | float():
            same = type(stored) is type(given) and stored == given
            widened = type(stored) is float and stored == float(given) and not isinstance(given, bool)
            return same or widened or (not is_json and as_json(stored, given))
        case list() if isinstance(stored, list):
            return len(stored) == len(given) and all(
                expected(a, b, is_json=is_json) for a, b in zip(stored, given, strict=True)
            )
        case dict() if isinstance(stored, dict):
            shared = all(expected(stored[key], value, is_json=is_json) for key, value in given.items())
            return shared and all(value is None for key, value in stored.items() if key not in given)
        case bytes() | dt.date() if is_json:
            return isinstance(stored, str)
    return bool(stored == given) or (not is_json and as_json(stored, given))


def as_json(stored: Any, given: Any) -> bool:
    try:
        return isinstance(stored, str) and expected(json.loads(stored), given, is_json=True)
    except ValueError:
        return False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(rows=any_rows, chunk=st.integers(1, 12))
def test_every_row_comes_back_however_the_rows_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: Rows, chunk: int
) -> None:
    monkeypatch.setattr(writing, "CHUNK_ROWS", chunk)
    streamed, warnings = write(tmp_path, rows)
    monkeypatch.undo()
    write_rows(rows, tmp_path, "whole", warn=lambda warning: None)

    found = pq.read_table(tmp_path / file_name("train"))
    columns = list(dict.fromkeys(column for row in rows for column in row))
    assert found.column_names == columns
    assert found.schema == pq.read_schema(tmp_path / file_name("whole"))
    if columns:
        assert len(streamed) == len(rows)
        assert repr(streamed) == repr(written(tmp_path, "whole"))
        for stored, row in zip(streamed, rows, strict=True):
            assert all(expected(stored[name], row.get(name)) for name in columns), (stored, row)
    assert len(warnings) == len(set(warnings))
