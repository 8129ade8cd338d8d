"""Strategies side by side: which are compared, what is refused when planning, and what is said of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.plan import examine
from flows.spec import spec_from
from steps.base import Row
from steps.labels import CompareStrategies
from steps.labels.settling import learn
from steps.labels.table import table_of
from tests.steps.labels.crowd import rows

SAID = rows(*[(str(item), by, "xy"[item % 2]) for item in range(12) for by in ("ann", "bob")])
RANKED: list[Row] = [{"item": "1", "annotator": by, "label": ["a", "b"]} for by in ("ann", "bob")]


def compared(given: list[Row], **params: Any) -> list[Row]:
    return list(CompareStrategies(**params).process(given))


def planned(use: str, **params: Any) -> list[tuple[str, str]]:
    data = [{"item": "1", "annotator": "ann", "label": ["a", "b"]}]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    spec, _ = spec_from({"distilflow": 1, "steps": [load, {"name": "it", "use": use, "after": "load", "with": params}]})
    _, problems = examine(spec)
    return [(problem.what, problem.fix) for problem in problems]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({}, ["majority", "weighted", "one_coin", "dawid_skene", "learned"]),
        ({"type": "ranking"}, ["majority", "learned"]),
    ],
    ids=["label", "ranking"],
)
def test_unless_named_those_that_fit_the_question_are_compared(question: dict[str, Any], names: list[str]) -> None:
    given = RANKED if question else SAID

    assert [row["name"] for row in compared(given, question=question)] == names
    assert planned("CompareStrategies", question=question) == []


@pytest.mark.parametrize(
    ("use", "chosen"),
    [("CompareStrategies", {"strategies": ["majority", "weighted"]}), ("ConsolidateLabels", {"strategy": "weighted"})],
    ids=["compare", "consolidate"],
)
def test_a_strategy_that_does_not_fit_the_question_is_a_problem_of_the_plan(use: str, chosen: dict[str, Any]) -> None:
    problem = ("strategy 'weighted' does not fit questions of type 'ranking'", "take majority, learned or auto")

    assert [(message, fix) for message, fix in planned(use, question={"type": "ranking"}, **chosen)] == [problem]
    assert planned(use, **chosen) == []


@pytest.mark.parametrize("use", ["CompareStrategies", "ConsolidateLabels"])
def test_texts_have_no_label_to_settle_and_the_plan_says_so(use: str) -> None:
    [(message, _)] = planned(use, question={"type": "text"})

    assert message.startswith("a question of type 'text' has no label to settle")


def test_each_row_says_why_its_strategy_is_there_and_auto_why_it_chose_it(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    learn(table_of(SAID), "weighted").save(saved)

    found = compared(SAID, strategies=["auto", "learned"], strategy_files=[str(saved)])

    assert [row["name"] for row in found] == ["majority", "learned", "weighted"]
    assert found[0]["why"].startswith("chosen by `auto`; majority: fewer than 150 answers for each of 2 classes")
    assert [row["why"] for row in found[1:]] == ["named in `strategies`", f"saved in {saved}"]
    assert {row["why"] for row in compared(SAID)} == {"fits questions of type 'label'"}


def test_auto_is_held_against_gold_that_it_did_not_see() -> None:
    found = compared([{**row, "gold": "x"} for row in SAID], strategies=["auto", "majority"])

    assert [row["accuracy"] for row in found] == [0.5, 0.5]
