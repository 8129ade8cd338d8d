"""The comparison with distilabel's steps finds each difference, and our side of it works without distilabel."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.distilflow_equal_steps import prepare
from benchmarks.equal_cases import CASES, LARGE, Case, but_whom_it_keeps, shape
from benchmarks.equal_rows import Rows, plain, read_rows, write_files
from benchmarks.equal_sides import Made, Measured, Side, measure
from benchmarks.equal_steps import EQUAL, LEAST_ROWS, compare, is_equal, main
from steps.base import Row

KEEP = Case("KeepColumns", plain, {"columns": ["a"]})
NAN = float("nan")


def data(count: int) -> Rows:
    words = [" ".join(f"w{at * step % 97}" for step in range(1, 9)) for at in range(count)]
    return [
        {"id": at, "instruction": f"Question {text}?", "input": "", "response": f"It is {at}. So {text}.", "model": "m"}
        for at, text in enumerate(words)
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
        ([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}], "row 0, 'a': 1, distilabel 2"),
        ([], [], "no rows to compare"),
    ],
)
def test_the_first_difference_is_told(ours: list[Row], theirs: list[Row], verdict: str) -> None:
    assert compare(KEEP, Made(ours), Made(theirs)) == verdict


def test_a_side_that_fails_is_never_equal() -> None:
    made, failed = Made([{"a": 1}]), Made([], error="needs datasketch")

    assert compare(KEEP, made, failed) == "distilabel: needs datasketch"
    assert compare(KEEP, failed, made) == "distilflow: needs datasketch"


def test_of_rows_drawn_by_chance_the_shape_is_compared() -> None:
    case = Case("DataSampler", plain, view=shape)

    assert compare(case, Made([{"a": [1, 2]}]), Made([{"a": [2, 2]}])) == "equal, but for `a` of 1 rows"
    assert compare(case, Made([{"a": [1, 2]}]), Made([{"a": [2]}])) == "row 0, 'a': 2, distilabel 1"


def test_what_a_case_leaves_out_is_counted_and_the_rest_compared() -> None:
    case, mark = Case("EmbeddingDedup", plain, view=but_whom_it_keeps), "keep_row_after_embedding_filtering"
    ours = [{"is_first": True, mark: True}, {"is_first": False, mark: False}]
    theirs = [{"is_first": True, mark: False}, {"is_first": False, mark: False}]

    assert compare(case, Made(ours), Made(theirs)) == f"equal, but for `{mark}` of 1 rows"
    assert compare(case, Made(ours), Made([theirs[0], {**theirs[1], mark: True}])).startswith("row 1, ")


def test_rows_in_another_order_are_compared_by_the_column_that_the_case_names() -> None:
    case = Case("DeitaFiltering", plain, order="a")

    assert compare(case, Made([{"a": 1}, {"a": 2}]), Made([{"a": 2}, {"a": 1}])) == EQUAL
    assert compare(case, Made([{"a": 1}, {"a": 2}]), Made([{"a": 3}, {"a": 1}])) == "row 1, 'a': 2, distilabel 3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("equal")
    write_files(data(LEAST_ROWS), made)
    return made


@pytest.fixture(scope="module")
def ours(folder: Path) -> Iterator[Side]:
    side = Side.ours(folder)
    yield side
    side.end()


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow if case.step == "UMAP" else ()) for case in CASES],  # 15 s to compile it
    ids=lambda case: case.name,
)
def test_our_side_of_each_case_works(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    made = prepare(case.step, case.parameters)(case.branches(data(24)))

    assert compare(case, Made(made), Made(made)) == EQUAL


def test_cases_of_many_rows_are_of_steps_that_are_compared_on_real_ones_too() -> None:
    assert {case.step for case in LARGE} <= {case.step for case in CASES}


def test_what_a_side_refuses_is_told_and_the_next_turn_goes_on(ours: Side, tmp_path: Path) -> None:
    bad = measure(
        Case("KeepColumns", plain, {"columns": ["a"]}, theirs="KeepColumns"), [data(2)], ours, ours, tmp_path / "bad", 0
    )
    good = measure(
        Case("KeepColumns", plain, {"columns": ["id"]}, theirs="KeepColumns"), [data(2)], ours, ours, tmp_path / "good", 0
    )

    assert "this row has no 'a'" in bad.ours.error
    assert bad.turns == []
    assert good.ours.rows == [{"id": 0}, {"id": 1}]


def test_each_turn_gets_the_rows_as_they_were(ours: Side, tmp_path: Path) -> None:
    case = Case("TruncateTextColumn", plain, {"column": "model", "max_length": 3}, theirs="TruncateTextColumn")

    made = measure(case, [[{"model": "abcdef"}]], ours, ours, tmp_path / "case", 0)

    assert made.ours.rows == made.theirs.rows == [{"model": "abc"}]


def test_the_ratio_is_that_of_turns_not_of_medians() -> None:
    made = Measured(Made([]), Made([]), [(1.0, 2.0), (3.0, 2.0), (30.0, 20.0)])

    assert made.ratios() == [1.0, 1.5, 1.5]
    assert (made.ours_ms(), made.theirs_ms()) == (3000, 2000)


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
