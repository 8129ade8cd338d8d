"""What comes before a step, and where its rows begin."""

from __future__ import annotations

import pytest

from flows.plan import Plan, examine
from flows.spec import read_spec
from tests.flows.describing import SMALL


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two branches of one source meet the rows of another one; a step over all rows comes after."""
    spec, problems = read_spec("""
    steps:
      - {name: load, use: LoadDataFromDicts, with: {data: [{text: hi}]}}
      - {name: other, use: LoadDataFromDicts, with: {data: [{more: ho}]}}
      - {name: a, use: KeepColumns, with: {columns: [text]}, after: load}
      - {name: b, use: KeepColumns, with: {columns: [text]}, after: load}
      - {name: meet, use: CombineOutputs, after: [b, a]}
      - {name: match, use: CombineOutputs, after: [other, meet]}
      - {name: once, use: MinHashDedup, after: match}
      - {name: cut, use: TruncateTextColumn, with: {column: text}, after: once}
    """)
    found, more = examine(spec, SMALL)
    assert not [*problems, *more]
    return found


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("load", []),
        ("a", ["load"]),
        ("meet", ["a", "b", "load"]),
        ("cut", ["a", "b", "load", "match", "meet", "once", "other"]),
    ],
)
def test_all_steps_whose_rows_reach_one_come_before_it_each_once(plan: Plan, name: str, before: list[str]) -> None:
    assert sorted(plan.before(name)) == before


@pytest.mark.parametrize(("name", "source"), [("load", "load"), ("meet", "load"), ("match", "other"), ("cut", "other")])
def test_the_first_of_matched_sources_is_the_source_of_their_rows(plan: Plan, name: str, source: str) -> None:
    assert plan.source_of(name) == source


def test_a_step_that_cannot_be_made_has_nothing_before_it() -> None:
    spec, _ = read_spec("""
    steps:
      - {name: load, use: LoadDataFromDicts, with: {data: [{text: hi}]}}
      - {name: misspelt, use: KeepColumn, after: load}
      - {name: b, use: CombineOutputs, after: misspelt}
    """)

    assert examine(spec, SMALL)[0].before("b") == ["misspelt"]
