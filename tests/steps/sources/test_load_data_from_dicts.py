from __future__ import annotations

from flows.plan import examine
from flows.spec import read_spec, with_parameters
from steps.sources.load_data_from_dicts import LoadDataFromDicts


def test_rows_come_as_they_were_written() -> None:
    rows = [{"a": 1}, {"a": 2, "b": None}]

    assert list(LoadDataFromDicts(data=rows).generate()) == rows


def test_columns_are_those_of_all_rows() -> None:
    assert LoadDataFromDicts(data=[{"a": 1}, {"b": 2, "a": 3}]).columns() == ["a", "b"]


def test_without_rows_it_says_that_they_are_missing() -> None:
    assert list(LoadDataFromDicts().check()) == [
        ("`data` is left out", "write the rows there, or set `data` when the run starts")
    ]
    assert list(LoadDataFromDicts(data=[]).check()) == []
    assert list(LoadDataFromDicts(data=[{"a": 1}]).check()) == []


def test_rows_that_come_as_a_parameter_are_rows() -> None:
    spec, _ = read_spec("steps: [{name: load, use: LoadDataFromDicts}]")

    assert [problem.code for problem in examine(spec)[1]] == ["bad-parameter"]
    assert examine(with_parameters(spec, {"load.data": [{"a": 1}]}))[1] == []


def test_without_rows_nothing_is_known() -> None:
    assert LoadDataFromDicts().columns() is None
