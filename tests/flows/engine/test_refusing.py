"""Rows that a step over all rows refuses: each goes into quarantine alone, and the step gets the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.engine.accepted import AcceptedRows
from flows.engine.chain import REFUSED_AT_ONCE
from flows.engine.quarantine import empty
from steps.base import GlobalStep, Row
from steps.errors import RunError
from steps.labels.settling import learn
from steps.labels.table import table_of
from tests.flows.engine.running import Result, own, run_steps

both = pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])


def _run(folder: Path, rows: Collection[dict[str, Any]], *, in_threads: bool = True, **params: Any) -> Result:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": list(rows)}}
    after = {"name": "b", "use": own("Add"), "after": "t", "with": {"column": "b"}}
    choosy = {"name": "t", "use": own("Choosy"), "after": "load", "with": {"calls": str(folder / "calls"), **params}}
    return run_steps(folder, [load, choosy, after], in_threads=in_threads)


def _quarantine(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "quarantine.jsonl").read_bytes().splitlines()]


ROWS = [{"i": number} for number in (0, 7, 1, 7, 2)]


@both
def test_rows_that_are_refused_go_alone_and_the_step_gets_the_others(tmp_path: Path, in_threads: bool) -> None:
    result = _run(tmp_path, ROWS, in_threads=in_threads)

    assert [(row["i"], row["total"]) for row in result.only] == [(0, 3), (1, 3), (2, 3)]
    assert (tmp_path / "calls").read_text() == "all 3\n"
    counts = result.counts["t"]
    assert (counts.taken, counts.made, counts.failed) == (5, 3, 2)
    assert [(one["step"], one["id"], one["message"], one["fix"], one["row"]) for one in _quarantine(tmp_path)] == [
        ("t", number, "column 'i' holds 7, of at most 2", "give a smaller one", {"i": 7}) for number in ("1", "3")
    ]


@both
def test_a_run_that_goes_on_neither_asks_refused_rows_again_nor_loses_them(tmp_path: Path, in_threads: bool) -> None:
    first = _run(tmp_path, ROWS, in_threads=in_threads)
    again = _run(tmp_path, ROWS, in_threads=in_threads)

    assert (tmp_path / "calls").read_text() == "all 3\n"
    assert again.only == first.only
    assert (again.counts["t"].taken, again.counts["t"].failed, again.counts["t"].reused) == (5, 2, 5)
    assert again.failures == []
    assert len(_quarantine(tmp_path)) == 2


def test_a_run_that_died_before_its_refused_rows_were_written_down_tells_of_them_when_it_goes_on(tmp_path: Path) -> None:
    _run(tmp_path, ROWS)
    (tmp_path / "quarantine.jsonl").unlink()

    again = _run(tmp_path, ROWS)

    assert (tmp_path / "calls").read_text() == "all 3\n"
    assert [failure.row for failure in again.failures] == [{"i": 7}, {"i": 7}]


def test_a_retry_takes_rows_that_are_taken_now(tmp_path: Path) -> None:
    _run(tmp_path, ROWS)
    assert empty(tmp_path / "quarantine.jsonl") == 2

    retried = _run(tmp_path, ROWS, limit=8)

    assert [row["total"] for row in retried.only] == [17] * 5
    assert retried.failures == []


@both
def test_a_step_that_refuses_all_rows_ends_with_none(tmp_path: Path, in_threads: bool) -> None:
    many = 2 * REFUSED_AT_ONCE + 3
    result = _run(tmp_path, [{"i": 9 + number} for number in range(many)], in_threads=in_threads)

    assert result.only == []
    assert (result.counts["t"].taken, result.counts["t"].failed) == (many, many)
    assert [int(one["id"]) for one in _quarantine(tmp_path)] == list(range(many))


def test_rows_are_checked_by_the_names_that_the_step_uses_and_kept_by_those_of_the_pipeline(tmp_path: Path) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"n": 1, "i": 9}, {"n": 5, "i": 0}]}}
    choosy = {"name": "t", "use": own("Choosy"), "after": "load", "input_mappings": {"i": "n"}}

    result = run_steps(tmp_path, [load, choosy])

    assert result.only == [{"n": 1, "total": 1}]
    assert [failure.row for failure in result.failures] == [{"n": 5, "i": 0}]


def test_annotations_that_cannot_be_read_do_not_end_the_consolidation_of_the_others(tmp_path: Path) -> None:
    said = [(item, who, "good" if item < "4" else "bad") for item in "123456" for who in ("ann", "bob", "cy")]
    rows = [{"item": item, "annotator": who, "label": label} for item, who, label in said]
    odd: list[dict[str, Any]] = [{"label": ""}, {"label": "god"}, {"label": "good", "gold": "fine"}, {"annotator": " "}]
    wrong = [{"item": "7", "annotator": "ann", "label": "good", "confidence": None, "gold": None, **one} for one in odd]
    label: dict[str, Any] = {"question": {"labels": ["good", "bad"]}, "strategy": "majority"}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [*wrong[:2], *rows, *wrong[2:]]}}
    one_label = {"name": "one", "use": "ConsolidateLabels", "after": "load", "with": label}

    result, again = (run_steps(tmp_path, [load, one_label]) for _ in range(2))

    assert [(row["item"], row["label"], row["n_annotations"]) for row in result.only] == [
        (item, "good" if item < "4" else "bad", 3) for item in "123456"
    ]
    assert [failure.row for failure in result.failures] == wrong
    assert "has 'good', 'bad', not 'god'. Did you mean 'good'?" in result.failures[1].message
    assert again.only == result.only
    assert len(_quarantine(tmp_path)) == 4


def test_labels_that_a_saved_strategy_does_not_know_are_refused_alone(tmp_path: Path) -> None:
    rows = [{"item": item, "annotator": who, "label": label} for item, who, label in [("1", "ann", "x"), ("2", "ann", "y")]]
    strategy = learn(table_of(rows), "majority")
    strategy.save(tmp_path / "saved.json")
    more = [{"item": "3", "annotator": "ann", "label": "z"}]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [*more, *rows]}}
    use = {"strategy_file": str(tmp_path / "saved.json")}
    one_label = {"name": "one", "use": "ConsolidateLabels", "after": "load", "with": use}

    result = run_steps(tmp_path / "run", [load, one_label])

    assert [row["label"] for row in result.only] == ["x", "y"]
    [failure] = result.failures
    assert "column 'label' holds 'z'; the strategy in" in failure.message
    assert "knows x, y" in failure.message


class Picky(GlobalStep):
    """Refuses odd numbers, and breaks at 13."""

    def check_row(self, row: Row) -> None:
        if row["i"] == 13:
            raise RunError("no luck today")
        if row["i"] % 2:
            raise ValueError(row["i"])

    def process(self, rows: Collection[Row]) -> Iterator[Row]:
        yield from rows


def test_accepted_rows_can_be_counted_and_read_again() -> None:
    refused: list[int] = []
    rows = AcceptedRows(Picky(), [{"i": i} for i in range(6)], lambda number, row, error: refused.append(number))

    assert len(rows) == 3
    assert list(rows) == list(rows) == [{"i": 0}, {"i": 2}, {"i": 4}]
    assert refused == [1, 3, 5]
    assert {"i": 2} in rows
    assert {"i": 1} not in rows


def test_an_error_that_no_row_is_at_fault_for_is_not_a_refusal() -> None:
    with pytest.raises(RunError, match="no luck"):
        AcceptedRows(Picky(), [{"i": 13}])


def test_a_step_that_checks_nothing_reads_no_row_twice() -> None:
    class Once(list[Row]):
        reads = 0

        def __iter__(self) -> Iterator[Row]:
            self.reads += 1
            return super().__iter__()

    class Plain(GlobalStep):
        """Takes all."""

    rows = Once([{"i": 1}])
    assert list(AcceptedRows(Plain(), rows)) == [{"i": 1}]
    assert rows.reads == 1
