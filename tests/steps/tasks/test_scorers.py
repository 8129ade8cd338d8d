from __future__ import annotations

import json
from random import Random

import pytest

from steps.errors import BadReply, RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.complexity_scorer import ComplexityScorer
from steps.tasks.quality_scorer import QualityScorer
from steps.tasks.side_by_side import Scorer

INSTRUCTIONS = {"instructions": ["Say hi.", "Prove it.", None]}
RESPONSES = {"instruction": "Name a prime.", "responses": ["7", "8", None]}
BOTH = pytest.mark.parametrize(("task", "row"), [(ComplexityScorer(), INSTRUCTIONS), (QualityScorer(), RESPONSES)])


@BOTH
@pytest.mark.parametrize("reply", ['{"scores": [1, 3, 4]}', "[1, 3, 4]", "Sure!\n```json\n{'scores': ['1', '3', '4']}\n```"])
def test_each_text_gets_a_score(task: Scorer, row: dict[str, object], reply: str) -> None:
    assert task.format_output(reply, row) == {"scores": [1, 3, 4]}


@BOTH
@pytest.mark.parametrize(
    ("scores", "what"),
    [
        ([1, 2], "2 entries in 'scores', it should have 3"),
        ([1, 2, 3, 4], "4 entries in 'scores', it should have 3"),
        ([1, 2, 5], "from 1 to 4, not 5"),
        ([0, 2, 3], "from 1 to 4, not 0"),
        ([1.5, 2, 3], r"scores\.0"),
    ],
    ids=["too-few", "too-many", "too-high", "too-low", "a-fraction"],
)
def test_other_scores_are_refused(task: Scorer, row: dict[str, object], scores: list[float], what: str) -> None:
    with pytest.raises(BadReply, match=what):
        task.format_output(json.dumps({"scores": scores}), row)


@BOTH
def test_texts_stand_in_numbered_tags_and_the_scale_follows_their_number(task: Scorer, row: dict[str, object]) -> None:
    prompt = task.format_input(row)[-1]["content"]

    assert f"<{task.noun} 3>\n(empty)\n</{task.noun} 3>" in prompt
    assert "Give 4 only to" in prompt
    assert task.reply_schema(row)["properties"]["scores"]["items"]["maximum"] == 4


def test_the_instruction_is_shown_with_its_responses() -> None:
    assert "<instruction>\nName a prime.\n</instruction>" in QualityScorer().format_input(RESPONSES)[0]["content"]


@pytest.mark.parametrize("value", [[], "Say hi.", 3])
def test_a_row_without_a_list_is_refused(value: object) -> None:
    with pytest.raises(RowError, match="not a list of instructions"):
        ComplexityScorer().format_input({"instructions": value})


def test_a_judge_that_left_one_out_is_asked_again() -> None:
    llm = ScriptedLLM(replies=['{"scores": [1]}', '{"scores": [1, 2, 3]}'])

    [row] = ComplexityScorer(llm=llm).process([INSTRUCTIONS])

    assert (row["scores"], len(llm.requests)) == ([1, 2, 3], 2)


@pytest.mark.parametrize("seed", range(5))
def test_rehearsed_scores_differ(seed: int) -> None:
    scores = json.loads(QualityScorer().rehearse(RESPONSES, Random(seed)))["scores"]

    assert sorted(scores) == [1, 2, 3]
