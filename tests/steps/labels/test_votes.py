"""Annotations as arrays and as tables: what counts once, what is refused, what an item keeps."""

from __future__ import annotations

import pytest

from steps.errors import RowError
from steps.labels.annotations import stable_id
from steps.labels.questions import Question
from steps.labels.table import table_of
from steps.labels.votes import UNKNOWN
from tests.steps.labels.crowd import rows, votes


def test_classes_are_sorted_by_number_where_they_are_numbers() -> None:
    assert list(votes(("1", "a", "10"), ("1", "b", "9"), ("2", "a", "x")).classes) == ["9", "10", "x"]


def test_gold_is_a_class_and_gold_of_other_items_is_left_out() -> None:
    found = votes(("1", "a", "x"), ("2", "a", "y"), gold={"1": "z", "9": "x"})

    assert (list(found.classes), found.gold.tolist()) == (["x", "y", "z"], [2, UNKNOWN])
    assert found.without_gold().has_gold.tolist() == []


@pytest.mark.parametrize(
    ("labels", "gold", "message"),
    [
        (("x", "q"), {}, r"label 'q' is none of \['x', 'y'\]"),
        (("x", "y"), {"1": "q"}, r"gold answer 'q' of item '1' is none of"),
    ],
)
def test_a_label_that_is_none_of_the_classes_is_refused_in_words(
    labels: tuple[str, str], gold: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        votes(("1", "a", labels[0]), ("2", "a", labels[1]), gold=gold, classes=("x", "y"))


def test_votes_on_some_items_are_those_of_these_items_alone() -> None:
    whole = votes(("1", "a", "x"), ("2", "a", "y"), ("3", "b", "x"), ("1", "b", "y"), gold={"3": "x"})

    some = whole.on_items(whole.counts[:, 0] > 0)

    assert [(some.items[at], some.voters[by].name) for at, by in zip(some.item, some.voter, strict=True)] == [
        ("1", "a"),
        ("3", "b"),
        ("1", "b"),
    ]
    assert some.gold.tolist() == [UNKNOWN, 0]


def test_a_later_answer_with_the_same_id_takes_the_place_of_the_first() -> None:
    table = table_of(rows(("1", "a", "x"), ("1", "b", "x"), ("1", "a", "y")))

    assert list(zip(table.annotators, table.labels, strict=True)) == [("a", "y"), ("b", "x")]
    assert table.ids[0] == stable_id("1", "a", 1)


def test_answers_of_other_rounds_and_ids_count_beside_each_other() -> None:
    again = [*rows(("1", "a", "x")), *rows(("1", "a", "y"), round=2), *rows(("1", "a", "z"), annotation_id="own")]

    assert table_of(again).labels == ["x", "y", "z"]


def test_an_item_keeps_the_other_columns_of_its_first_row() -> None:
    table = table_of([*rows(("1", "a", "x"), text="first"), *rows(("1", "b", "x"), text="second")])

    assert table.about == {"1": {"text": "first"}}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (rows(("1", "b", "y"), gold="y"), "row 2: item '1' has two gold answers: 'x' and 'y'"),
        (rows(("1", "a", "y"), kind="llm"), "row 2: annotator 'a' is of kind 'llm' here, and 'human' elsewhere"),
        (rows(("1", "b", "y"), confidence=2), "row 2: column 'confidence' holds 2"),
        (rows((" ", "b", "y")), "row 2: column 'item' holds ' ', which an annotation cannot have: it is blank"),
        ([{"item": "1", "annotator": "b"}], "row 2: .*'label'"),
    ],
    ids=["two-golds", "two-kinds", "confidence", "blank", "no-label"],
)
def test_a_row_that_holds_no_annotation_is_named_by_its_number(second: list[dict[str, object]], message: str) -> None:
    with pytest.raises(RowError, match=message):
        table_of([*rows(("1", "a", "x"), gold="x"), *second])


def test_a_label_that_the_question_does_not_have_is_an_error_that_names_those_it_has() -> None:
    with pytest.raises(RowError, match=r"row 1: column 'label' holds 'god'.*Did you mean 'good'"):
        table_of(rows(("1", "a", "god")), Question(labels=["good", "bad"]))
