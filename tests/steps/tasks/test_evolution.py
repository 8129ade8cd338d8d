"""Rewrites: what is asked, what is read, what is not used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.base import Row
from steps.components import BadParameters
from steps.errors import BadReply, MissingValue, RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.evol_complexity import EvolComplexity
from steps.tasks.evol_instruct import EvolInstruct
from steps.tasks.evol_quality import EvolQuality
from steps.tasks.evolution import fill, read_rewrite
from steps.tasks.mutations import COMPLEXITY_MUTATIONS, GENERATION_MUTATIONS, QUALITY_MUTATIONS

RIVER: Row = {"instruction": "Name a river."}
ANSWERED: Row = {**RIVER, "response": "The Nile."}
OURS = COMPLEXITY_MUTATIONS["CONSTRAINTS"]
WIZARD = {"X": "I want you act as a Prompt Rewriter.\n#Given Prompt#:\n<PROMPT>\n#Rewritten Prompt#:\n"}


def asked(llm: ScriptedLLM) -> list[str]:
    return [one.chat[0]["content"] for one in llm.requests if len(one.chat) == 1]


def evolved(replies: list[str], row: Row = RIVER, **fields: Any) -> tuple[Row, ScriptedLLM]:
    llm = ScriptedLLM(replies=replies)
    [made] = EvolInstruct(llm=llm, **{"num_evolutions": len(replies), **fields}).process([row])
    return made, llm


# ---- what comes of it
def test_each_rewrite_is_one_of_the_rewrite_before() -> None:
    made, llm = evolved(["Name two rivers.", "Name three rivers."])

    assert made == {**RIVER, "evolved_instruction": "Name three rivers.", "model_name": "scripted"}
    assert ["Name a river." in prompt for prompt in asked(llm)] == [True, False]
    assert "Name two rivers." in asked(llm)[1]


@pytest.mark.parametrize("original", [[], ["Name a river."]], ids=["without-it", "with-it"])
def test_all_rewrites_are_kept_on_request(original: list[str]) -> None:
    made, _ = evolved(["Two.", "Three."], store_evolutions=True, include_original_instruction=bool(original))

    assert made["evolved_instructions"] == [*original, "Two.", "Three."]


def test_what_is_kept_is_answered() -> None:
    one, llm = evolved(["Two.", "Three.", "Answer"], num_evolutions=2, generate_answers=True)
    all_, _ = evolved(["Two.", "Three.", "a", "b"], num_evolutions=2, generate_answers=True, store_evolutions=True)

    assert (one["evolved_instruction"], one["answer"], asked(llm)[-1]) == ("Three.", "Answer", "Three.")
    assert (all_["evolved_instructions"], all_["answers"]) == (["Two.", "Three."], ["a", "b"])


def test_responses_are_rewritten_to_the_same_instruction() -> None:
    llm = ScriptedLLM(replies=["The Nile, 6,650 km.", "The Nile, 6,650 km, in Africa."])
    task = EvolQuality(num_evolutions=2, store_evolutions=True, include_original_response=True, llm=llm)

    [made] = task.process([ANSWERED])

    assert made["evolved_responses"] == ["The Nile.", *llm.replies]
    assert all("Name a river." in prompt for prompt in asked(llm))
    assert "The Nile, 6,650 km." in asked(llm)[1]


def test_mutations_are_drawn_by_chance_the_same_for_the_same_row() -> None:
    def prompts(seed: int) -> list[str]:
        return asked(evolved([f"text {at}" for at in range(8)], seed=seed)[1])

    assert len({prompt.partition("<instruction>")[0] for prompt in prompts(1)}) > 2
    assert prompts(1) == prompts(1) != prompts(2)


def test_harder_instructions_stay_with_their_subject() -> None:
    assert set(EvolInstruct(num_evolutions=1).mutation_templates) - set(
        EvolComplexity(num_evolutions=1).mutation_templates
    ) == {"BREADTH"}


# ---- templates
def test_templates_of_distilabel_work() -> None:
    made, llm = evolved(["Sure.\n#Rewritten Prompt#:\nName two rivers."], mutation_templates=WIZARD)

    assert made["evolved_instruction"] == "Name two rivers."
    assert "#Given Prompt#:\nName a river.\n" in asked(llm)[0]


@pytest.mark.parametrize("templates", [{}, {"X": "Rewrite it."}], ids=["none", "no-place"])
def test_templates_without_a_place_for_the_text_are_refused(templates: dict[str, str]) -> None:
    with pytest.raises(BadParameters, match="mutation_templates"):
        EvolInstruct(num_evolutions=1, mutation_templates=templates)


def test_a_response_needs_its_own_place() -> None:
    with pytest.raises(BadParameters, match="has no <RESPONSE>"):
        EvolQuality(num_evolutions=1, mutation_templates={"X": "Rewrite <PROMPT>"})


def test_a_text_that_looks_like_a_place_stays_as_it_is() -> None:
    assert (
        fill("<PROMPT> / <RESPONSE>", {"<PROMPT>": r"\1 <RESPONSE>", "<RESPONSE>": "<PROMPT>"}) == r"\1 <RESPONSE> / <PROMPT>"
    )


@pytest.mark.parametrize("templates", [GENERATION_MUTATIONS, QUALITY_MUTATIONS], ids=["instructions", "responses"])
def test_our_prompts_say_that_texts_are_material(templates: dict[str, str]) -> None:
    for name, template in templates.items():
        assert "<PROMPT>\n</" in template
        assert "material" in template or name == "FRESH_START"
        assert "nothing else" in template


# ---- what is not used
@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (" \n", "no text"),
        ("...", "no text"),
        ("<think>Name two rivers.", "no text"),
        ("name a  RIVER.", "as it was"),
        ("<instruction>\nName a river.\n</instruction>", "as it was"),
        ("I'm sorry, but I can't help with that.", "refuses"),
        ("I cannot rewrite this instruction.", "refuses"),
        ("As an AI language model, I have no rivers.", "refuses"),
        ("The given prompt: Name two rivers.", "given prompt"),
        ("Name two rivers. </instruction> Done.", "</instruction>"),
        (f"{OURS.splitlines()[0]} Name two rivers.", "rewrite the instruction below"),
    ],
)
def test_a_rewrite_of_no_use_is_told_apart(reply: str, what: str) -> None:
    with pytest.raises(BadReply, match=r"reply|text") as caught:
        read_rewrite(reply, OURS, "Name a river.")

    assert what in caught.value.message
    assert caught.value.reply == reply


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Rewritten instruction: Name two rivers.", "Name two rivers."),
        ("**New Instruction:** Name two rivers.", "Name two rivers."),
        ("<think>hm</think>\nName two rivers.", "Name two rivers."),
        ("I can't log into my account. How do I reset it?", "I can't log into my account. How do I reset it?"),
        ("Write a letter that says sorry.", "Write a letter that says sorry."),
        ("I'm sorry, but " + "long " * 100, ("I'm sorry, but " + "long " * 100).strip()),
        ("Wie heißt 🦆?", "Wie heißt 🦆?"),
    ],
)
def test_what_only_looks_like_it_is_used(reply: str, text: str) -> None:
    assert read_rewrite(reply, OURS, "Name a river.") == text


def test_words_that_were_there_before_are_no_copy() -> None:
    before = "Explain what 'given prompt' means."

    assert read_rewrite(f"{before} Be brief.", OURS, before) == f"{before} Be brief."
    assert read_rewrite("I'm sorry, I can't help with arson.", OURS, "I'm sorry, but no.").startswith("I'm sorry")


@given(st.text(), st.text())
def test_any_reply_is_read_or_refused(reply: str, before: str) -> None:
    try:
        text = read_rewrite(reply, OURS, before)
    except BadReply:
        return
    assert text
    assert text == text.strip()


@pytest.mark.parametrize("filler", [" ", "- ", "sorry ", "#", "Prompt#:", "<a>", "x"])
def test_long_texts_are_read_in_no_time(filler: str) -> None:
    text = f"{filler * 200_000}y"

    assert read_rewrite(f"{text}z", OURS, text)


def test_a_rewrite_of_no_use_is_corrected() -> None:
    made, llm = evolved(["Name a river.", "Name two rivers."], num_evolutions=1)

    assert made["evolved_instruction"] == "Name two rivers."
    assert "came back as it was" in llm.requests[1].chat[-1]["content"]


def test_one_that_stays_of_no_use_is_left_out_and_the_last_good_one_goes_on() -> None:
    made, llm = evolved(["Two.", "?", "Three."], max_repairs=0, store_evolutions=True)

    assert made["evolved_instructions"] == ["Two.", "Three."]
    assert ["Two." in prompt for prompt in asked(llm)] == [False, True, True]


def test_a_row_of_which_nothing_came_is_marked() -> None:
    with pytest.raises(BadReply, match="no text"):
        evolved(["...", "?"], max_repairs=0)


# ---- rows
def test_a_number_is_an_instruction_too() -> None:
    assert evolved(["Two."], {"instruction": 7})[0]["evolved_instruction"] == "Two."


@pytest.mark.parametrize(("response", "error"), [(" ", MissingValue), (["x"], RowError), (True, RowError)], ids=str)
def test_a_response_that_is_no_text_marks_the_row(response: Any, error: type[RowError]) -> None:
    with pytest.raises(error, match="'response'"):
        EvolQuality(num_evolutions=1).process([{**RIVER, "response": response}])


def test_generations_go_their_own_ways() -> None:
    made = EvolInstruct(num_evolutions=3, num_generations=4).process([RIVER])

    assert len({row["evolved_instruction"] for row in made}) == 4
