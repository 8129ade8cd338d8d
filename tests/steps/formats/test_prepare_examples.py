from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.formats.prepare_examples import PrepareExamples


def test_examples_stand_one_after_the_other_in_place_of_the_lists() -> None:
    row = {"query": ["2+2?", "3+3?"], "answers": ["4", "6"], "id": 7}

    assert PrepareExamples().process([row]) == [{"id": 7, "examples": "Query: 2+2?\nAnswers: 4\n\nQuery: 3+3?\nAnswers: 6"}]


def test_answers_that_are_no_text_become_json() -> None:
    [row] = PrepareExamples(template="{answers}{query}").process([{"query": [""], "answers": [[{"name": "naïve"}]]}])

    assert row == {"examples": '[{"name": "naïve"}]'}


def test_braces_of_the_data_are_left_alone_and_those_of_the_template_can_be_written() -> None:
    step = PrepareExamples(template='{{"q": {query}, "a": {answers}}} {other}')

    assert step.process([{"query": ["{answers}"], "answers": ["{{}}"]}]) == [
        {"examples": '{"q": {answers}, "a": {{}}} {other}'}
    ]


def test_a_percent_sign_is_one() -> None:
    step = PrepareExamples(template="100 % of {query}: %s {answers}")

    assert step.process([{"query": ["5 %"], "answers": ["%(query)s"]}]) == [{"examples": "100 % of 5 %: %s %(query)s"}]


def test_no_examples_make_no_text() -> None:
    assert PrepareExamples().process([{"query": [], "answers": []}]) == [{"examples": ""}]


@pytest.mark.parametrize(
    ("query", "answers", "what"),
    [
        (["a", "b"], ["c"], "2 queries and 1 answers"),
        ("ab", ["c", "d"], "'query' holds a str, not a list"),
        (["a"], None, "'answers' holds a NoneType, not a list"),
        (["a"], [None], "no query or no answers"),
    ],
)
def test_examples_that_are_not_whole_are_refused(query: Any, answers: Any, what: str) -> None:
    with pytest.raises(RowError, match=what):
        PrepareExamples().process([{"query": query, "answers": answers}])


def test_a_template_that_leaves_something_out_is_a_mistake() -> None:
    assert list(PrepareExamples(template="{query}").check()) == ["`template` has no {answers}"]
    assert list(PrepareExamples().check()) == []
