from __future__ import annotations

from steps.sources.load_data_from_dicts import LoadDataFromDicts


def test_rows_come_as_they_were_written() -> None:
    rows = [{"a": 1}, {"a": 2, "b": None}]

    assert list(LoadDataFromDicts(data=rows).generate()) == rows


def test_columns_are_those_of_all_rows() -> None:
    assert LoadDataFromDicts(data=[{"a": 1}, {"b": 2, "a": 3}]).columns() == ["a", "b"]


def test_without_rows_nothing_is_known() -> None:
    assert LoadDataFromDicts().columns() is None
