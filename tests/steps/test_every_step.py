"""What holds for each step that the registry lists."""

from __future__ import annotations

import pytest

from steps import registry
from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep, Step
from steps.errors import MissingKey, MissingValue
from steps.tasks.base import Task
from steps.wording import snake_case
from tests.steps.samples import SAMPLES, Sample, run, samples_of

STEPS = [
    param
    for kind in (Step, JoinStep, GlobalStep)
    for param in samples_of(kind)
    if not param.values[0].step.reaches  # those are tested beside what they reach
]


def test_each_registered_step_has_a_sample() -> None:
    assert set(SAMPLES) == set(registry.names("steps"))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_step_goes_by_its_class_name_in_a_file_of_its_own(name: str) -> None:
    step = registry.resolve(name)

    assert issubclass(step, BaseStep)
    assert registry.name_of(step) == name
    assert step.__module__.rpartition(".")[2] == snake_case(name)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_parameter_says_what_it_is_for(name: str) -> None:
    step = registry.resolve(name)
    assert issubclass(step, BaseStep)

    assert [field for field, info in step.model_fields.items() if not info.description and field != "resources"] == []


@pytest.mark.parametrize("sample", samples_of(BaseStep))
def test_a_step_survives_being_written_down(sample: Sample) -> None:
    step = sample.step

    assert type(step).model_validate(step.model_dump(mode="json")).model_dump() == step.model_dump()


@pytest.mark.parametrize("sample", samples_of(GeneratorStep))
def test_a_source_needs_nothing(sample: Sample) -> None:
    assert sample.step.needs() == []


@pytest.mark.parametrize("sample", STEPS)
def test_the_columns_that_are_announced_are_those_that_come(sample: Sample) -> None:
    row, step = sample.row("hello"), sample.step
    announced = step.columns_joined([list(row)] * 2) if isinstance(step, JoinStep) else step.columns_after(list(row))

    made = run(step, [row])

    assert {tuple(sorted(new)) for new in made} == {tuple(sorted(announced))}


@pytest.mark.parametrize("sample", [param for param in STEPS if param.values[0].step.needs()])
def test_a_row_without_a_needed_column_is_refused_by_name(sample: Sample) -> None:
    for column in sample.step.needs():
        row = sample.row("hello")
        del row[column]

        with pytest.raises(MissingKey, match=f"no '{column}'"):
            run(sample.step, [row])


@pytest.mark.parametrize("value", [None, float("nan")], ids=["None", "NaN"])
@pytest.mark.parametrize("sample", samples_of(Task))
def test_a_row_with_nothing_in_a_needed_column_is_refused_by_name(sample: Sample, value: float | None) -> None:
    for column in sample.step.needs():
        with pytest.raises(MissingValue, match=f"nothing in '{column}': (None|nan)"):
            run(sample.step, [{**sample.row("hello"), column: value}])


@pytest.mark.parametrize("sample", samples_of(Task))
def test_a_rehearsed_row_says_that_no_model_was_asked(sample: Sample) -> None:
    made = run(sample.step, [sample.row("hello")])

    assert {row["model_name"] for row in made} == {"rehearsal"}
