"""Rows survive the way through JSON, whatever they hold."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine.codec import decode, encode
from steps.errors import RowError

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
times = st.datetimes() | st.dates() | st.times() | st.decimals(allow_nan=False)
values = st.recursive(plain | times, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@settings(deadline=None)  # it says how busy the machine is
@given(st.dictionaries(st.text(), values))
def test_a_row_comes_back_as_it_was(row: dict[str, Any]) -> None:
    assert decode(encode(row)) == row


@pytest.mark.parametrize(
    "value",
    [
        float("inf"),
        2**70,
        -(2**70),
        "lone \ud800 surrogate",
        b"\x00\xff",
        Decimal("1.10"),
        dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        {"$distilflow": ["bytes", "AA=="]},
        {"$distilflow": ["a", "b"], "other": [{"$distilflow": 1}]},
        {"nested": [{"deep": [b"x", None, 2**80]}]},
    ],
    ids=repr,
)
def test_what_json_lacks_comes_back_too(value: Any) -> None:
    assert decode(encode({"x": value})) == {"x": value}


def test_nan_comes_back_as_nan_beside_null() -> None:
    row = decode(encode({"a": float("nan"), "b": None, "c": [float("nan")]}))

    assert math.isnan(row["a"])
    assert math.isnan(row["c"][0])
    assert row["b"] is None


def test_nan_in_an_array_comes_back_as_nan() -> None:
    row = decode(encode({"x": np.array([1.0, float("nan")])}))
    assert row["x"][0] == 1.0
    assert math.isnan(row["x"][1])


def test_keys_that_are_no_text_become_text() -> None:
    assert decode(encode({"x": {1: "one", None: "none"}})) == {"x": {"1": "one", "null": "none"}}


def test_what_cannot_be_stored_is_told_by_column() -> None:
    with pytest.raises(RowError, match="column 'thing' holds a object"):
        encode({"fine": 1, "thing": object()})


@pytest.mark.parametrize("value", [["int", "x"], ["bytes", "AA=="], 1], ids=repr)
def test_a_column_may_have_the_name_of_our_tag(value: Any) -> None:
    assert decode(encode({"$distilflow": value})) == {"$distilflow": value}


def test_a_row_that_is_nested_too_deep_is_told() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]

    with pytest.raises(RowError, match="less deep"):
        encode({"x": deep})


def test_no_time_of_pandas_is_nothing() -> None:
    pandas = pytest.importorskip("pandas")

    assert decode(encode({"at": pandas.NaT, "n": 1})) == {"at": None, "n": 1}


@pytest.mark.parametrize(
    "tagged",
    [
        *('["decimal","zzz"]', '["seconds","zzz"]', '["seconds",1e300]', '["dict",3]', '["dict",[[[],1]]]', '["bytes",5]'),
        *('["bytes","x"]', '["datetime","zzz"]', '["datetime",1]', '["int","1.5"]', '["float",[]]', '["text","gA=="]'),
        '["image",{}]',
    ],
)
def test_values_that_are_not_what_their_tag_says_are_told_as_one_kind_of_error(tagged: str) -> None:
    with pytest.raises(ValueError):
        decode(f'{{"a": {{"$distilflow": {tagged}}}}}'.encode())


def test_what_is_nested_deeper_than_it_is_ever_written_is_told_so_too() -> None:
    with pytest.raises(ValueError):
        decode(b'[{"$distilflow":["a",1]},' + b"[" * 1000 + b"]" * 1001)
