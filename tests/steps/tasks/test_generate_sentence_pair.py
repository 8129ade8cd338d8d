from __future__ import annotations

from typing import get_args

import pytest

from steps.errors import BadReply
from steps.tasks.generate_sentence_pair import Action, GenerateSentencePair

ROW = {"anchor": "Tides follow the moon."}


def prompt(task: GenerateSentencePair) -> str:
    return str(task.format_input(ROW)[0]["content"])


def test_a_negative_is_written_only_for_triplets() -> None:
    assert GenerateSentencePair(action="query").makes() == ["positive", "model_name"]
    assert GenerateSentencePair(action="query", triplet=True).makes() == ["positive", "negative", "model_name"]


def test_every_action_asks_for_something_else() -> None:
    asked = {
        prompt(GenerateSentencePair(action=action, triplet=True, hard_negative=hard))
        for action in get_args(Action)
        for hard in (0, 1)
    }

    assert len(asked) == 8


def test_a_context_is_shown_where_there_is_one() -> None:
    assert "this context:\nSea charts\n" in prompt(GenerateSentencePair(action="answer", context="Sea charts"))
    assert "context" not in prompt(GenerateSentencePair(action="answer", context=" "))


@pytest.mark.parametrize("reply", ['{"positive": "x"}', '{"positive": "x", "negative": " "}', "## Positive x ## Negative y"])
def test_a_triplet_with_a_hole_is_refused(reply: str) -> None:
    with pytest.raises(BadReply):
        GenerateSentencePair(action="query", triplet=True).format_output(reply, ROW)


def test_a_hard_negative_without_a_negative_is_a_mistake() -> None:
    assert list(GenerateSentencePair(action="query", hard_negative=True).check())
    assert not list(GenerateSentencePair(action="query", hard_negative=True, triplet=True).check())
