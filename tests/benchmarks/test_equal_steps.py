"""The comparison with distilabel's steps finds each difference, and our side of it works without distilabel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.equal_cases import CASES, Case, Rows, plain, read_rows, shape
from benchmarks.equal_steps import EQUAL, Made, compare, is_equal, main, run_ours
from steps.base import Row

KEEP = Case("KeepColumns", plain, {"columns": ["a"]})
NAN = float("nan")


def data(count: int) -> Rows:
    return [
        {"id": at, "instruction": f"Question {at}?", "input": "", "response": f"It is {at}. So.", "model": "m"}
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(1, 1), ("a", "a"), (None, None), (NAN, NAN), ([1, {"b": 2.0, "a": "x"}], [1, {"a": "x", "b": 2.0}]), ([], [])],
)
def test_equal_cells(ours: Any, theirs: Any) -> None:
    assert is_equal(ours, theirs, 0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(1, 2), (1, 1.0), (True, 1), (None, ""), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ([{"a": [1]}], [{"a": [2]}]), (0.1, 0.1001)],
)
def test_cells_that_differ(ours: Any, theirs: Any) -> None:
    assert not is_equal(ours, theirs, 1e-6)


def test_numbers_may_differ_by_the_tolerance() -> None:
    assert is_equal([0.1], [0.1 + 1e-9], 1e-6)
    assert not is_equal([0.1], [0.1 + 1e-9], 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([{"a": 1}], [{"a": 1}], EQUAL),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], "row 1, 'a': 2, distilabel 3"),
        ([{"a": 1, "b": 2}], [{"a": 1}], "row 0, columns that one side lacks: ['b']"),
        ([{"a": 1}, {"a": 2}], [{"a": 1}], "2 rows, distilabel 1"),
        ([], [], "no rows to compare"),
    ],
)
def test_the_first_difference_is_told(ours: list[Row], theirs: list[Row], verdict: str) -> None:
    assert compare(KEEP, Made(ours, 0), Made(theirs, 0)) == verdict


def test_a_side_that_fails_is_never_equal() -> None:
    made, failed = Made([{"a": 1}], 0), Made([], 0, "needs datasketch")

    assert compare(KEEP, made, failed) == "distilabel: needs datasketch"
    assert compare(KEEP, failed, made) == "distilflow: needs datasketch"


def test_of_rows_drawn_by_chance_the_shape_is_compared() -> None:
    case = Case("DataSampler", plain, view=shape)

    assert compare(case, Made([{"a": [1, 2]}], 0), Made([{"a": [2, 2]}], 0)) == EQUAL
    assert compare(case, Made([{"a": [1, 2]}], 0), Made([{"a": [2]}], 0)) == "row 0, 'a': 2, distilabel 1"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_side_of_each_case_works(case: Case) -> None:
    branches = case.branches(data(24))

    made = run_ours(case, branches)

    assert (made.error, bool(made.rows)) == ("", True)


def test_what_our_side_refuses_is_told() -> None:
    assert "this row has no 'a'" in run_ours(KEEP, [data(2)]).error


def test_rows_are_read_from_answers_and_from_tasks_with_instances(tmp_path: Path) -> None:
    answer = {"instruction": "Add up.", "input": "2, 2", "response": "4"}
    task = {"instruction": "Add up.", "instances": [{"input": "3, 3", "output": "6"}]}
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, (answer, task, {"text": "no instruction"}))))

    rows = read_rows([tmp_path])

    assert [(row["id"], row["input"], row["response"], row["model"]) for row in rows] == [
        (0, "2, 2", "4", "a"),
        (1, "3, 3", "6", "a"),
    ]


def test_too_few_rows_are_no_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"instruction": "Add up."}))
    monkeypatch.setattr(sys, "argv", ["equal_steps", str(tmp_path)])

    with pytest.raises(SystemExit, match=r"the data has 1 rows .* takes 500 or more"):
        main()
