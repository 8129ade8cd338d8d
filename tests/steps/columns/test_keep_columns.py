from __future__ import annotations

import pytest

from steps.columns.keep_columns import KeepColumns
from steps.components import BadParameters


def test_columns_come_in_the_order_that_was_asked_for() -> None:
    [row] = KeepColumns(columns=["b", "a"]).process([{"a": 1, "b": 2, "c": 3}])

    assert list(row.items()) == [("b", 2), ("a", 1)]


def test_all_other_columns_are_gone_afterwards() -> None:
    assert KeepColumns(columns=["b", "a"]).columns_after(["a", "b", "c"]) == ["b", "a"]


def test_keeping_nothing_is_refused() -> None:
    with pytest.raises(BadParameters, match="at least 1 item"):
        KeepColumns(columns=[])
