from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.tasks.prepare_examples import PrepareExamples


def test_each_query_stands_with_its_calls() -> None:
    [row] = PrepareExamples().process([{"query": ["a", "b {answers}"], "answers": ["[1]", [{"name": "f"}]], "id": 3}])

    assert row["examples"] == ('## Query:\na\n## Answers:\n[1]\n\n## Query:\nb {answers}\n## Answers:\n[{"name": "f"}]')
    assert row["id"] == 3


def test_one_of_each_is_one_example() -> None:
    [row] = PrepareExamples(template="{query} -> {answers} {x}").process([{"query": "a", "answers": [1, 2]}])

    assert row["examples"] == "a -> [1, 2] {x}"


@pytest.mark.parametrize(("answers", "seen"), [(["1"], "1"), ("1", "a str"), (None, "a NoneType")])
def test_lists_that_do_not_fit_are_refused(answers: Any, seen: str) -> None:
    with pytest.raises(RowError, match=f"`query` holds 2 and `answers` {seen}"):
        PrepareExamples().process([{"query": ["a", "b"], "answers": answers}])


def test_a_template_that_leaves_something_out_is_told() -> None:
    assert list(PrepareExamples(template="{query}").check()) == ["template shows no {answers}"]
    assert list(PrepareExamples().check()) == []
