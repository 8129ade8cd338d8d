"""Names, labels and rows in odd forms: halves of characters, signs that keys are made with, any order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from steps.errors import RowError
from steps.labels import ConsolidateLabels, LoadAnnotations
from steps.labels.annotations import annotation_in, stable_id
from steps.labels.questions import Question
from steps.labels.settling import learn, settle
from steps.labels.strategies.strategy import Strategy
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import table_of

HALF = "\ud800"


def said(item: str, by: str, label: Any, **more: Any) -> dict[str, Any]:
    return {"item": item, "annotator": by, "label": label, **more}


@pytest.mark.parametrize("strategy", ["majority", "weighted", "one_coin", "dawid_skene", "learned", "auto"])
def test_halves_of_characters_in_names_and_labels_are_learned_kept_and_read(strategy: StrategyChoice, tmp_path: Path) -> None:
    crowd = [
        said(f"{HALF}{item}", f"{HALF}{by}", f"{HALF}{(item + by // 3) % 2}", family=HALF, confidence=0.5)
        for item in range(20)
        for by in range(4)
    ]
    table = table_of(crowd)
    learned = learn(table, strategy)
    learned.save(tmp_path / "strategy.json")

    read = Strategy.load(tmp_path / "strategy.json")
    assert read == learned
    assert (read.hash, read.tag) == (learned.hash, learned.tag)
    assert [one.label for one in settle(table, read)] == [one.label for one in settle(table, learned)]


@pytest.mark.parametrize("kind", ["multi_label", "spans", "ranking"])
def test_halves_of_characters_are_kept_in_answers_of_several_parts_too(kind: Any, tmp_path: Path) -> None:
    labels: dict[str, Any] = {
        "multi_label": [f"a{HALF}"],
        "spans": [{"start": 0, "end": 3, "label": f"a{HALF}"}],
        "ranking": [f"a{HALF}", f"b{HALF}"],
    }
    table = table_of([said(f"{at}", f"{HALF}{by}", labels[kind]) for at in range(5) for by in range(3)], Question(type=kind))
    learned = learn(table, "learned")
    learned.save(tmp_path / "strategy.json")
    assert Strategy.load(tmp_path / "strategy.json") == learned


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("label", ["a", "b", "c"]),
        ("rating", [1, 2, 3]),
        ("multi_label", [["a"], ["a", "b"], []]),
        ("ranking", [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"]]),
    ],
)
@pytest.mark.parametrize("strategy", ["learned", "majority"])
def test_a_strategy_has_the_same_hash_in_whichever_order_rows_come(kind: Any, labels: Any, strategy: StrategyChoice) -> None:
    rng = random.Random(4)
    crowd = [
        said(f"{item}", f"v{by}", rng.choice(labels), confidence=round(rng.random(), 3), kind=("human", "llm")[by % 2])
        for item in range(80)
        for by in range(5)
    ]
    hashes = set()
    for _ in range(4):
        rng.shuffle(crowd)
        hashes.add(learn(table_of(crowd, Question(type=kind)), strategy).hash)
    assert len(hashes) == 1


def test_names_that_hold_the_sign_between_parts_are_told_apart() -> None:
    assert stable_id("a\x1fb", "c", 1) != stable_id("a", "b\x1fc", 1)
    assert stable_id("a\x1e1", "c", 1) != stable_id("a\x1f", "c", 1)
    crowd = [said("a\x1fb", "c", "x"), said("a", "b\x1fc", "y")]
    assert [row["label"] for row in ConsolidateLabels(strategy="majority").process(crowd)] == ["x", "y"]


def test_labels_of_several_may_hold_that_sign_too() -> None:
    marked = [said("i\x1f", by, ["a\x1fb"]) for by in "xyz"] + [said("j", by, ["b\x1f0"]) for by in "xyz"]
    settle_it = ConsolidateLabels(question=Question(type="multi_label"), strategy="majority")
    assert [(row["item"], row["label"]) for row in settle_it.process(marked)] == [("i\x1f", ["a\x1fb"]), ("j", ["b\x1f0"])]


@pytest.mark.parametrize("nothing", [float("nan"), "nan", " NaN ", None, ""])
def test_a_confidence_that_is_no_number_is_none_in_whichever_form(nothing: Any) -> None:
    row = said("1", "ann", "good", confidence=nothing)
    if nothing == "":
        with pytest.raises(RowError, match="confidence"):
            annotation_in(row)
    else:
        assert annotation_in(row).confidence is None
        assert table_of([row]).confidences == [None]


def test_rankings_of_other_things_of_an_item_all_count_when_they_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]
    lines = [f'models,{by},"[""{one}"", ""{other}""]"' for by in ("ann", "bob") for one, other in pairs]
    path.write_text("item,annotator,label\n" + "\n".join(lines) + "\n")
    loaded = list(LoadAnnotations(data_files=str(path)).generate())

    [row] = ConsolidateLabels(question=Question(type="ranking"), strategy="majority").process(loaded)

    assert row["n_annotations"] == 8
    assert row["label"][0] == "a"
    assert len(set(row["annotation_ids"])) == 8


def test_an_answer_that_is_loaded_has_the_id_that_it_had_before(tmp_path: Path) -> None:
    path = tmp_path / "crowd.csv"
    path.write_text("item,annotator,label\n7,ann,good\n")
    [row] = ConsolidateLabels(strategy="majority").process(list(LoadAnnotations(data_files=str(path)).generate()))
    assert row["annotation_ids"] == [stable_id("7", "ann", 1)]


def spans(*places: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": "name"} for start, end in places]


@pytest.mark.parametrize(
    ("answers", "settled"),
    [
        ([((0, 4), (4, 9)), ((0, 4), (4, 9)), ((0, 4), (4, 9))], ((0, 4), (4, 9))),
        ([((0, 4), (4, 9)), ((0, 4), (4, 9)), ((0, 9),)], ((0, 4), (4, 9))),
        ([((0, 9),), ((0, 9),), ((0, 4), (4, 9))], ((0, 9),)),
        ([((0, 9),), ((0, 4), (4, 9))], ((0, 9),)),
        ([((0, 9),), ((0, 9),), ((0, 4),)], ((0, 9),)),
        ([((0, 4), (4, 6), (6, 9))] * 3, ((0, 4), (4, 6), (6, 9))),
    ],
)
def test_spans_that_touch_are_two_where_annotators_marked_two(answers: Any, settled: Any) -> None:
    crowd = [said("i", f"v{at}", spans(*places)) for at, places in enumerate(answers)]
    [row] = ConsolidateLabels(question=Question(type="spans"), strategy="majority").process(crowd)
    assert row["label"] == spans(*settled)
