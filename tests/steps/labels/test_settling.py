"""Questions with several answers at once, and questions that order things."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from steps.base import Row
from steps.labels.questions import Question, QuestionType
from steps.labels.settling import Settlement, learn, settle
from steps.labels.strategy_names import StrategyChoice
from steps.labels.table import table_of


def settled(
    question: QuestionType, said: Sequence[tuple[str, str, object]], strategy: StrategyChoice = "auto"
) -> dict[str, Settlement]:
    rows: list[Row] = [{"item": item, "annotator": who, "label": label} for item, who, label in said]
    table = table_of(rows, Question(type=question))
    return {one.item: one for one in settle(table, learn(table, strategy))}


def span(start: int, end: int) -> Row:
    return {"start": start, "end": end, "label": "error"}


def test_labels_are_those_that_most_give() -> None:
    found = settled("multi_label", [("1", "a", ["x", "y"]), ("1", "b", ["x"]), ("1", "c", ["x", "z"])], "majority")

    assert found["1"].label == ["x"]
    assert found["1"].distribution == pytest.approx({"x": 3.5 / 4, "y": 1.5 / 4, "z": 1.5 / 4}, abs=1e-6)


def test_a_span_is_what_most_mark_of_it() -> None:
    found = settled("spans", [("1", "a", [span(0, 6)]), ("1", "b", [span(2, 6)]), ("1", "c", [span(2, 8)])], "majority")

    assert found["1"].label == [span(2, 6)]


def test_many_spans_that_all_agree_on_are_as_sure_as_one() -> None:
    few, many = [span(0, 2)], [span(at, at + 2) for at in range(0, 60, 3)]
    said = [(item, who, spans) for item, spans in (("few", few), ("many", many)) for who in "abc"]

    found = settled("spans", said, "majority")

    assert found["few"].probability == found["many"].probability


def test_that_nothing_is_marked_is_not_certain() -> None:
    found = settled("spans", [("1", "a", []), ("2", "a", [span(0, 2)]), ("2", "b", [])], "majority")

    assert found["1"].label == []
    assert 0.5 < found["1"].probability < 1


def test_what_is_said_of_an_order_does_not_depend_on_other_items_or_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    said: list[tuple[str, str, object]] = [
        (f"i{item}", f"p{who}", [f"t{at}" for at in rng.permutation(3)]) for item in range(30) for who in range(6)
    ]
    backwards = settled("ranking", said[::-1], "learned")

    for item, one in settled("ranking", said, "learned").items():
        assert one.label == backwards[item].label
        assert one.probability == pytest.approx(backwards[item].probability, abs=0.02)


def test_of_many_things_the_best_is_found_and_how_sure_that_is_adds_up() -> None:
    rng = np.random.default_rng(1)
    worth = np.linspace(2, -2, 10)
    said: list[tuple[str, str, object]] = []
    for duel in range(400):
        one, other = rng.choice(10, 2, replace=False)
        is_first = rng.random() < 1 / (1 + np.exp(worth[other] - worth[one]))
        said.append(("all", f"p{duel}", [f"t{one}", f"t{other}"] if is_first else [f"t{other}", f"t{one}"]))

    found = settled("ranking", said, "learned")["all"]

    assert found.label[0] == "t0"
    assert isinstance(found.distribution, list)
    assert sum(one["probability"] for one in found.distribution) == pytest.approx(1, abs=1e-4)


def test_rankings_of_other_things_of_an_item_are_other_answers() -> None:
    said = [("all", "ann", ["a", "b"]), ("all", "ann", ["b", "c"]), ("all", "ann", ["a", "c"])]

    assert len(settled("ranking", said, "majority")["all"].pulls) == 3
