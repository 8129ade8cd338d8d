from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from steps.chances import chances


def test_the_same_row_meets_the_same_chances_whatever_the_order_of_its_columns() -> None:
    first = chances(42, {"a": 1, "b": [1, {"x": None, "y": 2.5}]}, "topic").random()

    assert chances(42, {"b": [1, {"y": 2.5, "x": None}], "a": 1}, "topic").random() == first
    assert chances(42, {"b": (1, {"y": 2.5, "x": None}), "a": 1}, "topic").random() == first, "read back from disk, a list"


@pytest.mark.parametrize(
    ("seed", "row", "purpose"),
    [(43, {"a": 1}, ["x"]), (42, {"a": 2}, ["x"]), (42, {"a": "1"}, ["x"]), (42, {"a": 1}, ["y"]), (42, {"a": 1}, ["x", 1])],
    ids=["seed", "value", "type of the value", "purpose", "more of a purpose"],
)
def test_whatever_differs_brings_other_chances(seed: int, row: dict[str, Any], purpose: list[str | int]) -> None:
    assert chances(seed, row, *purpose).random() != chances(42, {"a": 1}, "x").random()


@pytest.mark.parametrize(
    "value", ["\ud83e", float("nan"), 10**400, {1: "a", "b": 2}, b"\x00", None, object], ids=lambda value: repr(value)[:12]
)
def test_a_row_may_hold_anything(value: Any) -> None:
    assert chances(1, {"a": value}).random() == chances(1, {"a": value}).random()


def test_another_process_meets_the_same_chances() -> None:
    script = "from steps.chances import chances; print(chances(42, {'a': 'x', 'b': [1, None]}, 'c').random())"

    done = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(2)]

    assert {one.stdout for one in done} == {f"{chances(42, {'a': 'x', 'b': [1, None]}, 'c').random()}\n"}
