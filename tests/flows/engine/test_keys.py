"""What a step's result depends on: also on models that stand somewhere inside of its parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.engine.keys import parameters_of
from steps.components import Component
from steps.labels.judges import Judge
from steps.llms.replay_llm import ReplayLLM
from steps.models import models_in


class OfLists(Component):
    judges: list[Judge]


class OfTuples(Component):
    judges: tuple[Judge, ...]


class OfDicts(Component):
    judges: dict[str, Judge]


@pytest.mark.parametrize("shape", ["list", "tuple", "dict"])
def test_what_a_model_answers_from_counts_wherever_a_step_holds_it(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "recordings.jsonl"
    judge = Judge(name="one", llm=ReplayLLM(path=str(path)))
    holders = {"list": OfLists(judges=[judge]), "tuple": OfTuples(judges=(judge,)), "dict": OfDicts(judges={"a": judge})}
    holder = holders[shape]

    path.write_text("{}\n")
    before, again = parameters_of(holder), parameters_of(holder)
    path.write_text("[]\n")

    assert [type(model) for _, model in models_in(holder)] == [ReplayLLM]
    assert before == again != parameters_of(holder)
