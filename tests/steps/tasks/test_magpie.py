from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.components import BadParameters
from steps.errors import RowError
from steps.llms.openai_llm import OpenAILLM
from steps.llms.replay_llm import ReplayLLM
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.magpie import Magpie
from steps.tasks.magpie_generator import MagpieGenerator

REPLIES = ["How far is the moon?\n", "384,400 km.", "And the sun?", "150 million km."]
FIRST, ANSWER, SECOND, LAST = (
    {"role": role, "content": text.strip()} for role, text in zip(["user", "assistant"] * 2, REPLIES, strict=True)
)


def talk(row: Row | None = None, **fields: Any) -> tuple[Row, ScriptedLLM]:
    """What becomes of a row, and who was asked."""
    llm = ScriptedLLM(replies=REPLIES)
    [made] = Magpie(llm=llm, **fields).process([row or {}])
    return made, llm


def test_the_model_asks_and_answers() -> None:
    made, llm = talk()

    assert made == {"instruction": FIRST["content"], "response": "384,400 km.", "model_name": "scripted"}
    assert [(one.speaker, one.chat) for one in llm.requests] == [("user", []), ("assistant", [FIRST])]


def test_an_instruction_alone_is_not_answered() -> None:
    made, llm = talk(only_instruction=True, n_turns=3)

    assert made == {"instruction": FIRST["content"], "model_name": "scripted"}
    assert [one.chat for one in llm.requests] == [[]]


def test_each_turn_builds_on_all_before() -> None:
    made, llm = talk(n_turns=2)
    system = llm.requests[0].chat[0]

    assert made["conversation"] == [FIRST, ANSWER, SECOND, LAST]
    assert system["role"] == "system"
    assert [one.chat for one in llm.requests[1:]] == [
        [system, FIRST],
        [system, FIRST, ANSWER],
        [system, FIRST, ANSWER, SECOND],
    ]


@pytest.mark.parametrize(("turns", "conversation"), [(1, [FIRST]), (2, [FIRST, ANSWER, SECOND])])
def test_the_last_word_may_be_the_users(turns: int, conversation: list[Row]) -> None:
    made, _ = talk(n_turns=turns, end_with_user=True)

    assert made["conversation"] == conversation


def test_a_system_prompt_steers_and_is_kept_only_where_it_is_wanted() -> None:
    system = {"role": "system", "content": "Astronomy."}

    made, llm = talk(system_prompt="Astronomy.")
    kept, _ = talk(system_prompt="Astronomy.", include_system_prompt=True)

    assert llm.requests[0].chat == [system]
    assert (made["instruction"], made["response"]) == (FIRST["content"], ANSWER["content"])
    assert kept["conversation"] == [system, FIRST, ANSWER]


@pytest.mark.parametrize("own", [None, "", float("nan")], ids=str)
def test_a_row_brings_its_own_system_prompt(own: Any) -> None:
    _, llm = talk({"system_prompt": "Botany."}, system_prompt="Astronomy.")
    _, without = talk({"system_prompt": own}, system_prompt="Astronomy.")

    assert llm.requests[0].chat[0]["content"] == "Botany."
    assert without.requests[0].chat[0]["content"] == "Astronomy."


def test_a_system_prompt_that_is_no_text_marks_the_row() -> None:
    with pytest.raises(RowError, match="holds a list, not text"):
        talk({"system_prompt": ["Astronomy."]})


def drawn(system_prompt: Any, rows: int = 200) -> list[Any]:
    task = MagpieGenerator(num_rows=rows, system_prompt=system_prompt, include_system_prompt=True)
    made = list(task.generate())
    assert made == list(task.generate())
    return [(row.get("system_prompt_key"), row["conversation"][0]["content"]) for row in made]


def test_system_prompts_are_drawn_by_chance_and_named() -> None:
    assert set(drawn(["a", "b"])) == {(None, "a"), (None, "b")}
    assert set(drawn({"x": "a", "y": "b"})) == {("x", "a"), ("y", "b")}


def test_weights_say_how_often() -> None:
    found = drawn({"x": ("a", 3), "y": ("b", 1), "z": ("c", 0)})

    assert set(found) == {("x", "a"), ("y", "b")}
    assert 120 < found.count(("x", "a")) < 180


def test_a_row_with_a_system_prompt_of_its_own_has_no_name_for_it() -> None:
    made, _ = talk({"system_prompt": "Botany."}, system_prompt={"x": "a"})

    assert made["system_prompt_key"] is None


@pytest.mark.parametrize("bad", [[], {}, {"x": ("a", -1.0)}, {"x": ("a", 0.0)}, {"x": ("a", float("nan"))}], ids=str)
def test_system_prompts_that_cannot_be_drawn_are_refused(bad: Any) -> None:
    with pytest.raises(BadParameters, match=r"empty|weights"):
        Magpie(system_prompt=bad)


# ---- what the model must be able to do
def complaints(task: Magpie) -> str:
    return str(list(task.check()))


def test_a_model_that_only_answers_is_refused_before_the_run() -> None:
    llm = OpenAILLM(model="m", base_url="http://localhost:1/v1")

    assert "set magpie_pre_query_template of the LLM to llama3" in complaints(Magpie(llm=llm))
    assert "ReplayLLM only answers" in complaints(Magpie(llm=ReplayLLM(path="x.jsonl")))
    assert complaints(Magpie()) == "[]"


def test_a_format_of_ones_own_needs_the_end_of_a_turn_only_where_messages_come_before() -> None:
    llm = OpenAILLM(model="m", base_url="http://localhost:1/v1", magpie_pre_query_template="<t>user:")

    assert complaints(Magpie(llm=llm)) == complaints(Magpie(llm=llm, n_turns=2, only_instruction=True)) == "[]"
    assert "set magpie_end_of_turn" in complaints(Magpie(llm=llm, n_turns=2))
    assert "set magpie_end_of_turn" in complaints(Magpie(llm=llm, system_prompt="x"))


# ---- rows from nothing
def test_rehearsed_rows_differ_though_all_ask_the_same() -> None:
    made = list(MagpieGenerator(num_rows=30).generate())

    assert len({row["instruction"] for row in made}) == 30
    assert set(made[0]) == {"instruction", "response", "model_name"}


def test_generations_of_a_row_differ_too() -> None:
    made = Magpie(num_generations=5).process([{}])

    assert len({row["instruction"] for row in made}) == 5


def test_further_rows_leave_the_first_as_they_are() -> None:
    assert list(MagpieGenerator(num_rows=9).generate())[:4] == list(MagpieGenerator(num_rows=4).generate())


def test_no_chance_and_many_rows_do_not_go_together() -> None:
    def of(rows: int) -> str:
        llm = OpenAILLM(
            model="m",
            base_url="http://localhost:1/v1",
            magpie_pre_query_template="qwen2",
            generation_kwargs={"temperature": 0.0},
        )
        return complaints(MagpieGenerator(num_rows=rows, llm=llm))

    assert "temperature 0" in of(2)
    assert of(1) == "[]"
