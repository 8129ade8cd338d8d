"""Pipelines of many steps, columns and problems."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import pytest

from flows.plan import examine, graph
from flows.plan.reach import reached
from flows.spec import PipelineSpec, StepSpec
from tests.flows.describing import SMALL, chain


def test_thousands_of_steps_are_planned_in_a_moment() -> None:
    spec = chain(*({"use": "TruncateTextColumn", "with": {"column": "instruction"}} for _ in range(5000)))
    started = time.process_time()

    made, problems = examine(spec, SMALL)

    assert (len(made.steps), problems) == (5001, [])
    assert time.process_time() - started < 5


def test_thousands_of_joins_are_planned_in_a_moment() -> None:
    joins = [{"use": "CombineOutputs", "after": ["load" if at < 2 else f"s{at - 2}", f"s{at - 1}"]} for at in range(1, 3000)]
    spec = chain({"use": "CombineOutputs"})
    steps = [StepSpec.model_validate({"name": f"s{at}", **step}) for at, step in enumerate(joins, 1)]
    started = time.process_time()

    _, problems = examine(spec.model_copy(update={"steps": [*spec.steps, *steps]}), SMALL)

    assert problems == []
    assert time.process_time() - started < 5


def test_of_thousands_of_problems_the_first_thousand_are_told() -> None:
    steps = [StepSpec(name=f"s{at}", use="KeepColumn", after=[f"x{at}"]) for at in range(3000)]
    started = time.process_time()

    _, problems = examine(PipelineSpec(steps=steps), SMALL)

    assert (len(problems), problems[-1].code) == (1001, "more-problems")
    assert time.process_time() - started < 10
    assert max(len(str(problem)) for problem in problems) < 1000


def test_more_columns_than_anyone_needs_are_not_followed() -> None:
    columns = {f"column_{at}": 1 for at in range(20_000)}
    spec = chain(*({"use": "CombineOutputs"} for _ in range(100)))
    wide = spec.steps[0].model_copy(update={"params": {"data": [columns]}})
    started = time.process_time()

    made, problems = examine(spec.model_copy(update={"steps": [wide, *spec.steps[1:]]}), SMALL)

    assert (problems, made.steps["s0"].sent is None, made.steps["s99"].sent) == ([], False, None)
    assert time.process_time() - started < 10


def test_what_takes_long_to_look_for_is_not_looked_for_when_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Iterable[str]] = []

    def looking(begin: Iterable[str], onward: Callable[[str], Iterable[str]]) -> list[str]:
        looked.append(begin)
        return reached(begin, onward)

    monkeypatch.setattr(graph, "reached", looking)
    loops = ({"use": "GenerateUntil", "with": {"num_rows": 1}} for _ in range(1000))

    _, problems = examine(chain(*loops), SMALL)

    assert len(problems) == 1001
    assert len(looked) < 100
