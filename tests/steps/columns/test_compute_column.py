from __future__ import annotations

from typing import Any, Literal

import pytest

from steps.columns.compute_column import ComputeColumn
from steps.errors import MissingKey, RowError

Result = Literal["text", "number", "boolean", "json"]


@pytest.mark.parametrize(
    ("template", "result", "value"),
    [
        ("{{ a }}-{{ b.c[0] }}", "text", "2-x"),
        ("{{ a }}", "text", "2"),
        (" {{ a * 1.5 }}\n", "number", 3.0),
        ("{{ a }}", "number", 2),
        ("{{ a > 1 }}", "boolean", True),
        ("{% if a > 5 %}true{% else %}false{% endif %}", "boolean", False),
        ("{{ b | tojson }}", "json", {"c": ["x"]}),
        ("[{{ a }}, null]", "json", [2, None]),
    ],
)
def test_a_template_makes_a_column(template: str, result: Result, value: Any) -> None:
    [row] = ComputeColumn(column="new", template=template, result=result).process([{"a": 2, "b": {"c": ["x"]}}])

    assert row["new"] == value
    assert type(row["new"]) is type(value)


@pytest.mark.parametrize(
    ("template", "result", "said"),
    [
        ("{{ a }} apples", "number", "'2 apples' of this row, which is not a number"),
        ("true", "number", "not a number"),
        ("NaN", "number", "not a number"),
        ("yes", "boolean", "not true or false"),
        ("{{ b }}", "json", "which is not JSON"),
        ("[" * 100_000, "json", "which is not JSON"),
        ("{{ a.b.c }}", "text", "cannot be filled in"),
    ],
)
def test_a_row_that_gives_something_else_is_refused(template: str, result: Result, said: str) -> None:
    with pytest.raises(RowError, match=said):
        ComputeColumn(column="new", template=template, result=result).process([{"a": 2, "b": {"c": ["x"]}}])


def test_it_needs_the_columns_of_its_template() -> None:
    step = ComputeColumn(column="new", template="{% set x = a %}{{ x }} {{ b }}")

    assert (step.needs(), step.makes()) == (["a", "b"], ["new"])
    with pytest.raises(MissingKey, match="no 'b'"):
        step.process([{"a": 1}])


def test_a_template_that_is_none_is_told() -> None:
    step = ComputeColumn(column="new", template="{{ a ")

    assert ["template:" in str(complaint) for complaint in step.check()] == [True]
    assert step.needs() == []


def test_a_filter_that_nobody_knows_is_told_before_the_run() -> None:
    step = ComputeColumn(column="new", template="{{ a | lenght }}")

    assert (list(step.check()), step.needs()) == (["template: there is no filter 'lenght'. Did you mean 'length'?"], [])
