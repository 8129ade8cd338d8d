"""Parameters given in Python: mistakes are told in words, and the same components are made as before."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from steps.columns import KeepColumns
from steps.components import BadParameters
from steps.llms import OpenAILLM
from steps.routers import sample_n_steps
from steps.tasks import TextGeneration


@pytest.mark.parametrize(
    ("component", "params", "code", "said", "fix"),
    [
        (TextGeneration, {"use_cache": False}, "unknown-parameter", "no parameter 'use_cache'.", "leave it out: what a run"),
        (OpenAILLM, {"model": "m", "cuda_devices": "auto"}, "unknown-parameter", "'cuda_devices'", "leave it out: `resources`"),
        (TextGeneration, {"llms": None}, "unknown-parameter", "no parameter 'llms'. Did you mean 'llm'?", "known: "),
        (TextGeneration, {"llm": "gpt-4"}, "bad-parameter", "`llm`: say which model", "give one: llm=OpenAILLM(model=...)"),
        (TextGeneration, {"num_generations": 0}, "bad-parameter", "greater than or equal to 1", "choose a larger number"),
        (KeepColumns, {}, "missing-parameter", "needs `columns` (Columns to keep)", "add columns=..."),
        (OpenAILLM, {"modle": "gpt-4"}, "unknown-parameter", "Did you mean 'model'?", "known: "),
        (OpenAILLM, {"model": "m", "top_p": 1}, "unknown-parameter", "'top_p'", "put it in generation_kwargs={'top_p': ...}"),
        (TextGeneration, {"seed": 1}, "unknown-parameter", "'seed'", "put it in generation_kwargs={'seed': ...} of its `llm`"),
        (TextGeneration, {"llm": "gpt"}, "bad-parameter", "`llm`: say which model it is", "give one: llm=OpenAILLM(model=...)"),
        (sample_n_steps, {"n": "many"}, "bad-parameter", "`n`: should be a whole number", "write a whole number"),
    ],
)
def test_a_mistake_is_told_in_words(component: type[Any], params: dict[str, Any], code: str, said: str, fix: str) -> None:
    with pytest.raises(BadParameters) as caught:
        component(**params)

    [problem] = caught.value.problems
    assert (problem.code, said in problem.what, problem.fix[: len(fix)]) == (code, True, fix), problem
    assert "pydantic" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="'llms'") as caught:
        TextGeneration(llms=None, num_generations=0)  # type: ignore[call-arg]

    assert isinstance(caught.value, BadParameters)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("keys", [{"a": "sk-hidden"}, [["sk-hidden"]], ["sk-fine", {"a": "sk-hidden"}], []])
def test_keys_in_the_wrong_form_are_told_and_not_shown(keys: Any) -> None:
    with pytest.raises(BadParameters) as caught:
        OpenAILLM(model="m", api_key=keys)

    [problem] = caught.value.problems
    assert "`api_key`" in problem.what
    assert "sk-" not in str(caught.value)


def test_what_planning_calls_raises_as_pydantic_does() -> None:
    with pytest.raises(ValidationError):
        TextGeneration.model_validate({"llms": None})


def test_a_component_can_be_copied_and_sent_to_workers() -> None:
    step = TextGeneration(name="a", llm=OpenAILLM(model="m"))

    assert pickle.loads(pickle.dumps(step)) == copy.deepcopy(step) == step
