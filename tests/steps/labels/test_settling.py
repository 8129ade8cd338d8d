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


def test_what_comes_first_is_what_is_most_probably_the_best() -> None:
    """Of things with few answers the likeliest score and the chance to be best need not go together."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        said: list[tuple[str, str, object]] = []
        for who in range(4):
            chosen = rng.permutation(4)[: rng.integers(2, 5)]
            said.append(("all", f"p{who}", [f"t{at}" for at in chosen]))
        for strategy in ("majority", "learned"):
            one = settled("ranking", said, strategy)["all"]
            assert isinstance(one.distribution, list)
            assert one.probability == max(thing["probability"] for thing in one.distribution), (seed, strategy)
            assert [thing["label"] for thing in one.distribution] == one.label


@pytest.mark.parametrize("strategy", ["dawid_skene", "one_coin", "learned"])
def test_a_label_that_nobody_gives_takes_nothing_of_those_on_which_all_agree(strategy: StrategyChoice) -> None:
    rows: list[Row] = [
        {"item": str(item), "annotator": who, "label": "a" if item % 3 else "b"}
        for item in range(60)
        for who in ("ann", "bob", "cy")
    ]
    table = table_of(rows, Question(labels=["a", "b", "c"]))

    assert min(one.probability for one in settle(table, learn(table, strategy))) > 0.95


@pytest.mark.parametrize("strategy", ["majority", "weighted", "one_coin", "dawid_skene", "learned"])
def test_labels_that_nobody_ever_gives_make_no_item_doubtful(strategy: StrategyChoice) -> None:
    answers: list[list[str]] = [["tone"] if item % 2 else [] for item in range(40)]
    rows: list[Row] = [
        {"item": str(item), "annotator": who, "label": answer}
        for item, answer in enumerate(answers)
        for who in ("ann", "bob", "cy")
    ]
    few, many = (table_of(rows, Question(type="multi_label", labels=["tone", *more])) for more in ([], list("abcdefghij")))

    for one, other in zip(settle(few, learn(few, strategy)), settle(many, learn(many, strategy)), strict=True):
        assert other.label == one.label
        assert other.probability == pytest.approx(one.probability, abs=0.01)
        if strategy in ("majority", "weighted"):
            assert [pull.pull for pull in other.pulls] == pytest.approx([pull.pull for pull in one.pulls], abs=0.01)


def test_a_label_that_comes_up_later_is_seen_by_a_strategy_that_knew_it_by_name_only() -> None:
    question = Question(type="multi_label", labels=["tone", "new"])
    rows: list[Row] = [
        {"item": str(item), "annotator": who, "label": ["tone"]} for item in range(9) for who in ("ann", "bob", "cy")
    ]
    strategy = learn(table_of(rows, question), "majority")
    later: list[Row] = [{"item": "later", "annotator": who, "label": ["new"]} for who in ("ann", "bob", "cy")]

    [one] = settle(table_of(later, question), strategy)

    assert one.label == ["new"]
