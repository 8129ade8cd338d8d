from __future__ import annotations

from typing import Any

import pytest

from steps.errors import MissingValue, RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.text_generation import TextGeneration


def prompts(task: TextGeneration) -> list[str]:
    """What the model was asked."""
    assert isinstance(task.llm, ScriptedLLM)
    return [request.chat[-1]["content"] for request in task.llm.requests]


@pytest.fixture
def llm() -> ScriptedLLM:
    return ScriptedLLM(replies=["hi"])


@pytest.mark.parametrize("value", ["", " \n\t", None, float("nan"), ["a"], {"role": "user"}, True])
def test_what_is_no_instruction_is_refused_before_anything_is_asked(value: Any, llm: ScriptedLLM) -> None:
    task = TextGeneration(llm=llm)

    with pytest.raises(RowError, match="'instruction'") as caught:
        task.process([{"instruction": value}])

    assert caught.value.fix
    assert prompts(task) == []


@pytest.mark.parametrize(("value", "prompt"), [(42, "42"), (1.5, "1.5"), ("Say hi", "Say hi")])
def test_texts_and_numbers_are_asked(value: Any, prompt: str, llm: ScriptedLLM) -> None:
    task = TextGeneration(llm=llm)

    task.process([{"instruction": value}])

    assert prompts(task) == [prompt]


def test_a_template_that_leaves_nothing_to_ask_is_refused(llm: ScriptedLLM) -> None:
    task = TextGeneration(llm=llm, template="{{ question }}", columns="question")

    with pytest.raises(MissingValue, match="blank prompt"):
        task.process([{"question": " "}])


def test_a_column_that_a_template_does_not_ask_about_may_be_blank(llm: ScriptedLLM) -> None:
    task = TextGeneration(llm=llm, template="{{ instruction }}{{ context }}", columns=["instruction", "context"])

    task.process([{"instruction": "Say hi", "context": ""}])

    assert prompts(task) == ["Say hi"]


@pytest.mark.parametrize("own", [None, float("nan"), ""])
def test_a_row_without_a_system_prompt_gets_that_of_the_step(own: Any) -> None:
    chat = TextGeneration(system_prompt="Be brief.").format_input({"instruction": "Say hi", "system_prompt": own})

    assert chat[0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(("name", "label"), [(None, "text_generation"), ("answer", "answer")])
def test_what_was_said_is_kept_under_the_name_of_the_step(name: str | None, label: str, llm: ScriptedLLM) -> None:
    task = TextGeneration(name=name, llm=llm, add_raw_input=True, add_raw_output=True)

    [row] = task.process([{"instruction": "Say hi"}])

    assert set(row["distilflow_metadata"]) == {f"raw_input_{label}", f"raw_output_{label}"}
