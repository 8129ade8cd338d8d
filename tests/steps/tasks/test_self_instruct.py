from __future__ import annotations

import json
from random import Random

import pytest

from steps.errors import BadReply
from steps.tasks.self_instruct import SelfInstruct

ROW = {"input": "moons"}


def test_as_many_instructions_come_as_were_asked_for() -> None:
    task = SelfInstruct(num_instructions=7)

    made = task.format_output(task.rehearse(ROW, Random(1)), ROW)

    assert len(made["instructions"]) == 7


@pytest.mark.parametrize("instructions", [["a"], ["a", "b", "c"], ["a", " "]], ids=["too-few", "too-many", "a-blank"])
def test_another_number_is_refused(instructions: list[str]) -> None:
    with pytest.raises(BadReply):
        SelfInstruct(num_instructions=2).format_output(json.dumps({"instructions": instructions}), ROW)


def test_the_prompt_says_for_whom_and_how() -> None:
    task = SelfInstruct(num_instructions=1, application_description="a tide table", criteria_for_query_generation="Rhyme.")
    prompt = task.format_input({"input": 42})[0]["content"]

    assert all(part in prompt for part in ("Write 1 query", "a tide table", "Rhyme.", "<context>\n42\n</context>"))
