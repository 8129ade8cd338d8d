"""What is odd about annotations and yet no error is told in the log, once and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.base import Row
from steps.labels import ConsolidateLabels, LoadAnnotations
from steps.labels.questions import Question
from tests.steps.labels.crowd import rows


def told_of(given: list[Row], step: ConsolidateLabels, caplog: pytest.LogCaptureFixture) -> list[str]:
    step.table(given)
    return [record.getMessage() for record in caplog.records]


def test_answers_that_an_annotator_gave_again_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    given = rows(("1", "ann", "x"), ("1", "ann", "y"), ("1", "ann", "x"), ("1", "bob", "x"))
    given += rows(("1", "bob", "y"), annotation_id="own") + rows(("1", "bob", "y"), round=2)

    [told] = told_of(given, ConsolidateLabels(strategy="majority"), caplog)

    assert told.startswith("3 answers to what the same annotator had answered already")


def test_rankings_of_other_things_of_an_item_are_no_repeats(caplog: pytest.LogCaptureFixture) -> None:
    given: list[Row] = [{"item": "1", "annotator": "ann", "label": pair} for pair in (["a", "b"], ["b", "c"])]

    assert told_of(given, ConsolidateLabels(strategy="majority", question=Question(type="ranking")), caplog) == []


def test_gold_of_items_that_are_left_out_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    given = rows(("1", "ann", "x")) + rows(("2", "ann", "x"), ("3", "ann", "x"), round=2, gold="x")

    told = told_of(given, ConsolidateLabels(strategy="majority", rounds=[1]), caplog)

    assert told == ["there is no annotation that counts of 2 items with gold, such as '2'"]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (("7", "q8", "q9"), ["no annotation is about 2 of 3 items in `gold_files`, such as 'q8': do both call items alike?"]),
        (("7",), []),
    ],
    ids=["other-names", "all-there"],
)
def test_gold_in_files_that_no_annotation_is_about_is_counted(
    tmp_path: Path, items: tuple[str, ...], told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "said.csv").write_text("item,annotator,label\n7,ann,x\n7,bob,x\n")
    (tmp_path / "gold.csv").write_text("item,truth\n" + "".join(f"{item},x\n" for item in items))

    list(LoadAnnotations(data_files=str(tmp_path / "said.csv"), gold_files=str(tmp_path / "gold.csv")).generate())

    assert [record.getMessage() for record in caplog.records] == told
