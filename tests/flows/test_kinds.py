from __future__ import annotations

from itertools import islice

import pytest
from pydantic import BaseModel

from flows.plan.kinds import _of_value, fits, kind_made, kind_needed
from steps.base import BaseStep, GeneratorStep, Row
from steps.columns import GroupColumns
from steps.sources import LoadDataFromDicts
from steps.tasks import TextGeneration
from steps.tasks.base import Task
from tests.steps.samples import SAMPLES, Sample, run

ASKS_ELSEWHERE = (
    "LoadAnnotations",
    "LoadAnnotationsFromArgilla",
    "LoadDataFromHub",
    "LoadDataFromDisk",
    "LoadDataFromFileSystem",
    "PushToHub",
)
ALL = [pytest.param(sample, id=name) for name, some in SAMPLES.items() if name not in ASKS_ELSEWHERE for sample in some]


@pytest.mark.parametrize("sample", ALL)
def test_what_a_step_takes_and_makes_is_what_its_names_say(sample: Sample) -> None:
    row = sample.row("some text here")
    made: list[Row] = (
        list(islice(sample.step.generate(), 2)) if isinstance(sample.step, GeneratorStep) else run(sample.step, [row])
    )

    needed = {column: kind_needed(sample.step, column) for column in sample.step.needs()}
    sent = {column: kind_made(sample.step, column) for column in sample.step.makes()}

    assert {column for column, kind in needed.items() if column in row and not fits(kind, _of_value(row[column]))} == set()
    assert {
        (column, one[column])
        for one in made
        for column, kind in sent.items()
        if one.get(column) is not None and not fits(kind, _of_value(one[column]))
    } == set()


class Found(BaseModel):
    names: list[str]
    place: str | None
    more: dict[str, str]


class FindNames(Task):
    prompt = "{text}"
    Answer = Found


class Unknown(BaseStep):
    inputs = outputs = ("generations",)


@pytest.mark.parametrize(
    ("step", "column", "kind"),
    [
        (FindNames(), "names", "list"),
        (FindNames(), "place", "single"),
        (FindNames(), "more", None),
        (FindNames(), "model_name", "single"),
        (FindNames(group_generations=True), "place", "list"),
        (TextGeneration(), "generation", "single"),
        (GroupColumns(columns=["x"]), "grouped_x", "list"),
        (LoadDataFromDicts(data=[{"x": None}, {"x": ["a"]}]), "x", "list"),
        (LoadDataFromDicts(data=[{"x": "a"}, {"x": ["a"]}]), "x", None),
        (LoadDataFromDicts(data=[{"x": [{"role": "user", "content": "a"}]}]), "x", "chat"),
        (Unknown(), "generations", None),
    ],
)
def test_what_is_known_of_a_column_that_is_made(step: BaseStep, column: str, kind: str | None) -> None:
    assert kind_made(step, column) == kind


def test_of_a_column_that_a_parameter_names_nothing_is_known() -> None:
    assert kind_needed(TextGeneration(), "instruction") == "single"
    assert kind_needed(TextGeneration(columns=["instruction"], template="{{ instruction }}"), "instruction") is None
