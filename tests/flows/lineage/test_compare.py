"""Two runs side by side: rows of the same source row meet, whatever else changed; checked against a plain comparison."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from flows.lineage.compare import compare
from flows.lineage.ids import LINEAGE, NoLineage
from flows.lineage.model import Comparison
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from steps.errors import RunError
from tests.flows.engine.running import own


@pytest.fixture(autouse=True)
def own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps")


def run(
    folder: Path, run_id: str, numbers: list[int], plus: int = 0, *, twice: bool = False, failing: list[int] | None = None
) -> RunFolder:
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": i} for i in numbers]}},
        {"name": "add", "use": own("Add"), "after": "load", "with": {"plus": plus, "raise_at": failing or []}},
    ]
    if twice:
        steps.append({"name": "twice", "use": own("Twice"), "after": "add"})
    spec, problems = spec_from({"distilflow": 1, "name": "test", "steps": steps})
    assert not problems
    return run_inline(plan(spec), folder, run_id=run_id)


def counts(found: Comparison) -> tuple[int, int, int, int]:
    return found.same, found.changed, found.only_a, found.only_b


def test_the_same_rows_in_another_order_are_the_same(tmp_path: Path) -> None:
    numbers = list(range(50))
    shuffled = random.Random(1).sample(numbers, 50)
    found = compare(run(tmp_path, "a", numbers), run(tmp_path, "b", shuffled))

    assert counts(found) == (50, 0, 0, 0)
    assert all(pair.row_a == pair.row_b and shuffled[pair.b or 0] == pair.a for pair in found.pairs)
    assert (found.changes, found.pages, found.a.run_id, found.b.rows) == ({}, 3, "a", 50)


def test_a_number_that_is_none_is_the_same_in_both(tmp_path: Path) -> None:
    steps = [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": 1, "score": float("nan")}]}}]
    spec, _ = spec_from({"distilflow": 1, "name": "test", "steps": steps})
    one, other = (run_inline(plan(spec), tmp_path, run_id=run_id) for run_id in ("a", "b"))
    found = compare(one, other)

    assert counts(found) == (1, 0, 0, 0)
    assert [pair.changed for pair in found.pairs] == [[]]


def test_changed_rows_say_which_columns_and_others_which_run_has_them(tmp_path: Path) -> None:
    one = run(tmp_path, "a", list(range(10)), failing=[3])
    other = run(tmp_path, "b", list(range(5, 15)), plus=7)
    found = compare(one, other)

    assert counts(found) == (0, 5, 4, 5)
    assert found.changes == {"added": 5}
    kinds = [pair.kind for pair in found.pairs]
    assert kinds == ["a"] * 4 + ["changed"] * 5 + ["b"] * 5
    assert [pair.changed for pair in found.pairs if pair.kind == "changed"] == [["added"]] * 5
    only = compare(one, other, only="changed", size=2, page=3)
    assert [(pair.row_a or {})["i"] for pair in only.pairs] == [9]
    assert (only.page, only.pages, counts(only)) == (3, 3, (0, 5, 4, 5))


def test_siblings_meet_by_their_number_and_a_single_row_the_first(tmp_path: Path) -> None:
    one = run(tmp_path, "a", list(range(4)), twice=True)
    other = run(tmp_path, "b", list(range(2, 6)), twice=True)
    assert counts(compare(one, other)) == (4, 0, 4, 4)

    single = compare(one, run(tmp_path, "c", list(range(4))))
    assert counts(single) == (0, 4, 4, 0)
    assert single.changes == {"half": 4}


def test_equal_rows_of_the_source_meet_one_by_one(tmp_path: Path) -> None:
    found = compare(run(tmp_path, "a", [1, 1, 2]), run(tmp_path, "b", [2, 1]))
    assert counts(found) == (2, 0, 1, 0)


def test_runs_that_cannot_be_compared_are_refused_in_words(tmp_path: Path) -> None:
    one, other = run(tmp_path, "a", [1]), run(tmp_path, "b", [1])
    with pytest.raises(RunError, match="no part"):
        compare(one, other, "nothing")
    for path in (other.distiset / LINEAGE).iterdir():
        path.unlink()
    with pytest.raises(NoLineage):
        compare(one, other)
