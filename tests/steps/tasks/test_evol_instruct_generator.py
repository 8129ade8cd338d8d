from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.components import BadParameters
from steps.errors import BadReply
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.evol_complexity_generator import EvolComplexityGenerator
from steps.tasks.evol_instruct_generator import MOST_ROUNDS, EvolInstructGenerator, draw_words
from steps.tasks.generator import GeneratorTask
from steps.tasks.nouns import NOUNS
from steps.tasks.rounds import TaskInRounds

SHORT, GOOD, LONG = "Bake bread.", "Bake bread without an oven.", "Bake bread " * 20


def made(replies: list[str], **fields: Any) -> tuple[Row, list[str]]:
    """A row, and what was asked for it."""
    llm = ScriptedLLM(replies=replies)
    given = {"num_instructions": 1, "min_length": 20, "max_length": 80, "max_repairs": 0, **fields}
    [row] = EvolInstructGenerator(llm=llm, **given).generate()
    return row, [one.chat[-1]["content"] for one in llm.requests]


def starts(prompt: str) -> bool:
    return "<words>" in prompt


def test_a_chain_starts_from_words() -> None:
    row, [prompt] = made([GOOD])
    words = prompt.partition("<words>\n")[2].partition("\n</words>")[0].split(", ")

    assert row == {"instruction": GOOD, "model_name": "scripted"}
    assert 2 <= len(words) <= 4
    assert set(words) <= set(NOUNS)


def test_an_instruction_that_is_too_short_is_evolved() -> None:
    row, prompts = made([SHORT, GOOD])

    assert row["instruction"] == GOOD
    assert [starts(prompt) for prompt in prompts] == [True, False]
    assert SHORT in prompts[1]


def test_one_that_is_too_long_starts_anew_with_other_words() -> None:
    row, prompts = made([LONG, GOOD])

    assert row["instruction"] == GOOD
    assert [starts(prompt) for prompt in prompts] == [True, True]
    assert prompts[0] != prompts[1]


def test_a_rewrite_of_no_use_is_not_used() -> None:
    row, prompts = made([SHORT, "I'm sorry, but I cannot.", GOOD])

    assert row["instruction"] == GOOD
    assert [SHORT in prompt for prompt in prompts] == [False, True, True]


def test_it_is_answered_on_request() -> None:
    row, prompts = made([GOOD, "Use a pan."], generate_answers=True)

    assert row == {"instruction": GOOD, "answer": "Use a pan.", "model_name": "scripted"}
    assert prompts[-1] == GOOD


@pytest.mark.parametrize(
    ("replies", "what"),
    [([LONG], "in 15 rounds no instruction came to have 20 to 80 characters; the last has 219"), (["?"], "no text")],
)
def test_a_chain_that_comes_to_nothing_is_given_up(replies: list[str], what: str) -> None:
    llm = ScriptedLLM(replies=replies)
    task = EvolInstructGenerator(num_instructions=1, min_length=20, max_length=80, max_repairs=0, llm=llm)

    with pytest.raises(BadReply, match=what):
        list(task.generate())

    assert len(llm.requests) == MOST_ROUNDS


def test_templates_of_distilabel_work() -> None:
    templates = {
        "FRESH_START": "Write one question or request containing one or more of the following words: <PROMPT>",
        "X": "#Given Prompt#:\n<PROMPT>\n#Rewritten Prompt#:\n",
    }

    row, prompts = made([SHORT, f"#Rewritten Prompt#:\n{GOOD}"], mutation_templates=templates)

    assert row["instruction"] == GOOD
    assert prompts[1] == f"#Given Prompt#:\n{SHORT}\n#Rewritten Prompt#:\n"


def test_a_chain_may_only_ever_start() -> None:
    _, prompts = made([SHORT, GOOD], mutation_templates={"FRESH_START": "Write about <PROMPT>"})

    assert all(prompt.startswith("Write about ") for prompt in prompts)


def test_without_a_start_there_is_no_chain() -> None:
    with pytest.raises(BadParameters, match="no 'FRESH_START' to start with"):
        EvolInstructGenerator(num_instructions=1, mutation_templates={"X": "<PROMPT>"})


def test_lengths_that_exclude_each_other_are_refused() -> None:
    assert list(EvolInstructGenerator(num_instructions=1, min_length=9, max_length=8).check()) == [
        "min_length 9 is more than max_length 8"
    ]
    assert not list(EvolInstructGenerator(num_instructions=1, min_length=9, max_length=9).check())


@pytest.mark.parametrize("task", [EvolInstructGenerator, EvolComplexityGenerator])
@pytest.mark.parametrize("lengths", [(512, 1024), (1, 1), (1, 9), (40, 40)], ids=str)
def test_rehearsed_rows_have_the_length_that_is_wanted(task: type[EvolInstructGenerator], lengths: tuple[int, int]) -> None:
    low, high = lengths
    rows = list(task(num_instructions=20, min_length=low, max_length=high).generate())

    assert all(low <= len(row["instruction"]) <= high for row in rows)
    assert len({row["instruction"] for row in rows}) == 20 or high < 512


def test_seeds_differ_stay_when_there_are_more_and_change_with_the_seed() -> None:
    few, many = (list(EvolInstructGenerator(num_instructions=count).seeds()) for count in (5, 500))

    assert many[:5] == few
    assert len({str(seed["words"]) for seed in many}) > 495
    assert few != list(EvolInstructGenerator(num_instructions=5, seed=1).seeds())


def test_a_generator_in_rounds_asks_in_rounds_and_keeps_no_seed() -> None:
    order = EvolInstructGenerator.__mro__

    assert order.index(GeneratorTask) < order.index(TaskInRounds)
    assert EvolInstructGenerator(num_instructions=1).columns_after(["number", "words"]) == ["instruction", "model_name"]


def test_words_are_drawn_without_repeats() -> None:
    from random import Random

    assert all(len(set(words)) == len(words) for words in (draw_words(Random(seed)) for seed in range(200)))
