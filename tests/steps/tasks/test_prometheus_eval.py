from __future__ import annotations

from typing import Any, Literal

import pytest

from steps.components import BadParameters
from steps.errors import BadReply, RowError
from steps.tasks.prometheus_eval import PrometheusEval

RUBRIC = "[Is it polite?]\n" + "\n".join(f"Score {score}: level {score}" for score in range(1, 6))
ROW = {"instruction": "Say hi", "generation": "hi", "generations": ["hi", "go away"], "reference": "Hello!"}


def judge(mode: Literal["absolute", "relative"] = "absolute", **fields: Any) -> PrometheusEval:
    return PrometheusEval(mode=mode, **{"rubric": "helpfulness", **fields})


@pytest.mark.parametrize(
    ("task", "headings"),
    [
        (judge(), ["Response to evaluate:"]),
        (judge("relative"), ["Response A:", "Response B:"]),
        (judge(reference=True), ["Response to evaluate:", "Reference Answer (Score 5):"]),
        (judge("relative", reference=True), ["Response A:", "Response B:", "Reference Answer:"]),
    ],
    ids=["absolute", "relative", "absolute-reference", "relative-reference"],
)
def test_the_headings_are_those_the_model_was_trained_on(task: PrometheusEval, headings: list[str]) -> None:
    system, user = task.format_input(ROW)

    found = [line.removeprefix("###") for line in user["content"].splitlines() if line.startswith("###")]
    assert found == ["Task Description:", "The instruction to evaluate:", *headings, "Score Rubrics:", "Feedback:"]
    assert system["role"] == "system"


@pytest.mark.parametrize(
    ("mode", "text", "result"),
    [
        ("absolute", "Feedback: Fine. [RESULT] 4", 4),
        ("absolute", "###Feedback: Fine. [RESULT] (4)", 4),
        ("absolute", "Fine.\n**[RESULT]** Score: 4/5", 4),
        ("absolute", "Fine. [RESULT] 4.", 4),
        ("absolute", "<think>[RESULT] 2? No.</think>\nFeedback: Fine. [RESULT] 4", 4),
        ("relative", "Feedback: Fine. [RESULT] B", "B"),
        ("relative", "Fine. [RESULT] Response A", "A"),
    ],
)
def test_the_verdict_stands_behind_the_marker(mode: Literal["absolute", "relative"], text: str, result: int | str) -> None:
    made = judge(mode).format_output(text, ROW)

    assert made["result"] == result
    assert made["feedback"].startswith("Fine.")


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("absolute", "Fine. 4"),
        ("absolute", "<think>Perhaps [RESULT] 2"),
        ("absolute", "Fine. [RESULT] 6"),
        ("absolute", "Fine. [RESULT] 45"),
        ("absolute", "Fine. [RESULT] 4.5"),
        ("absolute", "Fine. [RESULT]"),
        ("absolute", "Fine. [RESULT] A"),
        ("relative", "Fine. [RESULT] 4"),
        ("relative", "Fine. [RESULT] Both"),
    ],
)
def test_a_reply_without_a_verdict_is_refused_with_its_text(mode: Literal["absolute", "relative"], text: str) -> None:
    with pytest.raises(BadReply, match=r"should end with \[RESULT\]") as caught:
        judge(mode).format_output(text, ROW)

    assert caught.value.reply == text


def test_columns_depend_on_what_is_compared() -> None:
    assert judge().needs() == ["instruction", "generation"]
    assert judge("relative", reference=True).needs() == ["instruction", "generations", "reference"]


@pytest.mark.parametrize(("answers", "seen"), [(["a"], "1"), (["a", "b", "c"], "3"), ("ab", "a str")])
def test_only_two_answers_can_be_compared(answers: object, seen: str) -> None:
    with pytest.raises(RowError, match=f"this row has {seen}"):
        judge("relative").format_input({"instruction": "x", "generations": answers})


def test_a_rubric_of_your_own_is_used() -> None:
    task = judge(rubric="politeness", rubrics={"politeness": RUBRIC})

    assert RUBRIC in task.format_input(ROW)[-1]["content"]


@pytest.mark.parametrize(
    ("rubric", "missing"),
    [
        (RUBRIC.replace("[", "").replace("]", ""), "a first line with the '[criterion]'"),
        (RUBRIC.replace("Score 3: level 3\n", ""), "'Score 3: ...'"),
        (RUBRIC.replace("level 2", ""), "'Score 2: ...'"),
        ("", "a first line with the '[criterion]', 'Score 1: ...'"),
    ],
)
def test_what_a_rubric_lacks_is_named(rubric: str, missing: str) -> None:
    with pytest.raises(BadParameters) as caught:
        judge(rubric="mine", rubrics={"mine": rubric})

    assert f"rubric 'mine' lacks {missing}" in str(caught.value)


def test_an_unknown_rubric_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadParameters, match="no rubric 'beauty'; there are helpfulness, harmlessness"):
        judge(rubric="beauty")
