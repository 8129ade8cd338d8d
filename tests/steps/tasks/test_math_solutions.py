from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.tasks.math_solutions import Solution, answer_in, is_same_answer, split_solution

TWO = Solution(["Step 1: 3 + 4 = 7.", "Step 2: 7 - 2 = 5."], "The answer is: 5")


@pytest.mark.parametrize(
    "text",
    [
        "Step 1: 3 + 4 = 7.\nStep 2: 7 - 2 = 5.\nThe answer is: 5",
        "Step 1: 3 + 4 = 7. Step 2: 7 - 2 = 5. The answer is: 5",
        "Sure!\n\n**Step 1:** 3 + 4 = 7.\n\n### Step 2: 7 - 2 = 5.\n\n**The answer is: 5**\nI hope this helps.",
        "step 1. 3 + 4 = 7.\nstep 2) 7 - 2 = 5.\nThe final answer is 5",
        "<think>Step 1: no idea. The answer is: 9</think>Step 1: 3 + 4 = 7.\nStep 2: 7 - 2 = 5.\nThe answer is: 5\n",
    ],
)
def test_a_solution_is_found_in_what_models_write(text: str) -> None:
    assert split_solution(text) == TWO


def test_a_step_may_have_lines_and_speak_of_other_steps() -> None:
    text = "Step 1: First\n\\frac{1}{2}\nStep 2: As in Step 1: halve. The answer is: half of it.\nThe answer is: 1/4"

    assert split_solution(text) == Solution(
        ["Step 1: First\n\\frac{1}{2}", "Step 2: As in Step 1: halve. The answer is: half of it."], "The answer is: 1/4"
    )


def test_the_rest_of_a_solution_keeps_its_numbers() -> None:
    assert split_solution("Step 3: So. Step 4: And so. The answer is: 2").steps == ["Step 3: So.", "Step 4: And so."]


@pytest.mark.parametrize(
    ("text", "solution"),
    [
        ("", Solution([], None)),
        ("5", Solution([], None)),
        ("Step 1: 3 + 4", Solution(["Step 1: 3 + 4"], None)),
        ("The answer is: 5", Solution([], "The answer is: 5")),
        ("Step 1: x\nThe answer is:", Solution(["Step 1: x"], None)),
        ("Step 1:\nStep 2: x", Solution(["Step 2: x"], None)),
    ],
)
def test_what_is_missing_is_not_made_up(text: str, solution: Solution) -> None:
    assert split_solution(text) == solution


@given(st.text())
def test_any_text_is_split(text: str) -> None:
    assert all(step.startswith("Step ") for step in split_solution(text).steps)


@pytest.mark.parametrize("filler", ["Step 1: ", "The answer is ", "*", " ", "Step", "Step 1", "{"])
def test_long_texts_are_split_in_no_time(filler: str) -> None:
    split_solution(filler * 100_000)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("18", "18.0"),
        ("18", "$18"),
        ("18", " 18. "),
        ("18", r"\boxed{18}"),
        ("18", r"\(18\)"),
        ("1,200", "1200"),
        ("0.5", "1/2"),
        (r"\frac{1}{2}", r"$\dfrac{1}{2}$"),
        (r"\frac{1}{2}", "0.50"),
        ("-3", "-3.00"),
        ("x + 1", "X  + 1"),
        ("50%", r"50\%"),
    ],
)
def test_answers_are_compared_by_value(one: str, other: str) -> None:
    assert is_same_answer(one, other)
    assert is_same_answer(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("18", "81"), ("18", "18 dollars"), ("", ""), ("1/0", "0"), ("1,2", "12"), ("9" * 500, "9" * 501)]
)
def test_other_answers_are_others(one: str, other: str) -> None:
    assert not is_same_answer(one, other)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("The answer is: 5", "5"), ("**The answer is 5**", "5"), ("3 + 2 = 5\n#### 5", "5"), ("5", "5"), ("The answer is:", "")],
)
def test_a_golden_answer_may_be_written_in_several_ways(text: str, answer: str) -> None:
    assert answer_in(text) == answer
