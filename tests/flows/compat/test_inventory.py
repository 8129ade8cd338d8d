"""All public components of distilabel 1.5.3 are here by name, with columns and parameters, or docs/migrating.md says why not.

`distilabel_components.json` lists them, as they were read off an installed distilabel: columns are null where they depend on
parameters, papers are those of its docstrings that lie at arXiv.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.catalogue import describe
from steps import registry
from steps.absent import ABSENT, instead_of
from steps.base import BaseStep
from tests.steps.samples import SAMPLES
from tools.guide import GUIDE, NOT_HERE, deviations

COMPONENTS: list[dict[str, Any]] = orjson.loads((Path(__file__).parent / "distilabel_components.json").read_bytes())
CUDA = {"cuda_devices", "disable_cuda_device_placement"}
"""Where a step runs is said beside it: `pool` and `resources`."""


DEVIATIONS = deviations()


def component_of(name: str) -> type | None:
    for kind in registry.KINDS:
        if name in registry.names(kind):
            return registry.resolve(name, kind)
    return None


@pytest.mark.parametrize("entry", COMPONENTS, ids=lambda entry: entry["name"])
def test_a_component_is_here_with_its_parameters(entry: dict[str, Any]) -> None:
    found, told = component_of(entry["name"]), DEVIATIONS.get(entry["name"], set())
    if found is None and NOT_HERE in told:
        return

    assert found is not None
    assert NOT_HERE not in told
    assert set(entry["parameters"]) - set(getattr(found, "model_fields", ())) - CUDA - told == set()


@pytest.mark.parametrize("entry", [one for one in COMPONENTS if "inputs" in one], ids=lambda entry: entry["name"])
def test_a_step_has_its_columns(entry: dict[str, Any]) -> None:
    found, told = component_of(entry["name"]), DEVIATIONS.get(entry["name"], set())
    if found is None:
        assert NOT_HERE in told
        return
    assert issubclass(found, BaseStep)
    steps = [sample.step for sample in SAMPLES[entry["name"]]]
    needed = {column for step in steps for column in step.needs()} | set(found.optional_inputs)
    made = {column for step in steps for column in step.makes()}

    if entry["inputs"] is not None:
        assert set(entry["inputs"]) - needed - told == set()
    if entry["outputs"] is not None:
        assert set(entry["outputs"]) - made - told == set()


@pytest.mark.parametrize("entry", [one for one in COMPONENTS if "papers" in one], ids=lambda entry: entry["name"])
def test_a_component_names_the_papers_it_follows(entry: dict[str, Any]) -> None:
    if component_of(entry["name"]) is not None:
        assert set(entry["papers"]) <= {paper["url"] for paper in describe(entry["name"])["papers"]}


def test_messages_say_of_a_class_that_is_not_here_what_the_guide_says() -> None:
    lines = [
        line.strip("| ").split(" | ") for line in GUIDE.read_text(encoding="utf-8").splitlines() if " | the class is " in line
    ]
    in_guide = {name: instead for names, _, instead in lines for name in re.findall(r"\w+", names)}

    assert {name: instead_of(name) for name in ABSENT} == in_guide


def test_the_guide_lists_no_difference_that_is_none() -> None:
    theirs = {entry["name"]: entry for entry in COMPONENTS}
    for name, told in DEVIATIONS.items():
        entry = theirs.get(name)
        if entry is None:
            continue
        assert (NOT_HERE in told) == (component_of(name) is None), name
