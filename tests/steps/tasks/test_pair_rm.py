from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import pytest

from steps.errors import RowError, RunError
from steps.tasks.pair_rm import PairRM
from tests.steps.samples.tasks import LongestFirst


class FirstPlaceFirst(PairRM):
    """A model that only judges by position, and keeps what it is asked."""

    def compare(self, prompt: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        assert prompt == "Be brief.\nHi?"
        return [1.0] * len(pairs)


def test_the_best_comes_first_and_ranks_say_where_each_stands() -> None:
    [row] = LongestFirst().process([{"input": "Hi?", "candidates": ["aa", "aaa", "a"]}])

    assert (row["ranks"], row["ranked_candidates"]) == ([2, 1, 3], ["aaa", "aa", "a"])
    assert row["model_name"] == "llm-blender/PairRM"


def test_a_preference_for_the_first_place_decides_nothing() -> None:
    step = FirstPlaceFirst(instructions="Be brief.")

    [row] = step.process([{"input": "Hi?", "candidates": ["a", "b", "c"]}])

    assert row["ranks"] == [1, 2, 3]


def test_one_answer_is_the_best_without_a_model() -> None:
    [row] = PairRM().process([{"input": "Hi?", "candidates": ["a"]}])

    assert row["ranks"] == [1]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"input": "Hi?", "candidates": []}, "not a list of texts"),
        ({"input": "Hi?", "candidates": ["a", None]}, "'candidates' holds a NoneType, not text"),
        ({"input": "Hi?", "candidates": "ab"}, "not a list of texts"),
        ({"input": ["Hi?"], "candidates": ["a"]}, "'input' holds a list, not text"),
    ],
)
def test_what_cannot_be_compared_is_refused(row: dict[str, Any], what: str) -> None:
    with pytest.raises(RowError, match=what):
        LongestFirst().process([row])


@pytest.mark.skipif(importlib.util.find_spec("transformers") is not None, reason="transformers is installed")
def test_without_its_packages_it_says_what_to_install() -> None:
    assert list(PairRM().check())
    with pytest.raises(RunError, match=r"PairRM needs `torch`\S*") as caught:
        PairRM().load()
    assert "distilflow[transformers]" in caught.value.fix


def test_a_rehearsal_ranks_without_weights_and_always_alike() -> None:
    step, row = PairRM(made_up=True), {"input": "Hi?", "candidates": ["a", "b", "c"]}
    step.load()

    [made] = step.process([row])

    assert list(step.check()) == []
    assert sorted(made["ranks"]) == [1, 2, 3]
    assert (step.process([row]), made["model_name"]) == ([made], "rehearsal")


def test_a_rehearsal_ranks_equal_answers_in_the_order_they_came_in() -> None:
    [made] = PairRM(made_up=True).process([{"input": "Hi?", "candidates": ["a", "a", "a"]}])

    assert made["ranks"] == [1, 2, 3]
