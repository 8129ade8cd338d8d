"""Pipelines as tests write them down, and a step that no built-in stands for."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from flows.plan import PlannedStep, examine, plan
from flows.pools import Pools
from flows.spec import PipelineSpec, StepSpec, read_spec
from steps import registry
from steps.base import Batch, GlobalStep, Row, Step
from steps.errors import Problem

SMALL = Pools(cpus=4, memory=8_000_000_000, devices=("0", "1"))
LOAD = "- {name: load, use: LoadDataFromDicts, with: {data: [{instruction: hi}]}}"


class SortRows(GlobalStep):
    """Sorts all rows."""

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        return sorted(rows, key=repr)


class Fragile(Step):
    """Raises whatever it is asked."""

    def process(self, batch: Batch) -> Batch:
        return batch

    def needs(self) -> list[str]:
        raise ZeroDivisionError("no columns today")


class Listed(Step):
    """Has a parameter of several types."""

    inputs: ClassVar[tuple[str, ...]] = ("instruction",)
    several: str | list[str] = "a"

    def process(self, batch: Batch) -> Batch:
        return batch


class Choosing(Step):
    """Needs what a parameter says."""

    is_chat: bool = False

    def process(self, batch: Batch) -> Batch:
        return batch

    def needs(self) -> list[str]:
        return ["messages"] if self.is_chat else ["generation"]


def allow() -> dict[str, str]:
    """Make the steps of this module usable, and say how pipelines name them."""
    for step in (SortRows, Fragile, Listed, Choosing):
        registry.allow_class(step)
    return {step.__name__: registry.name_of(step) for step in (SortRows, Fragile, Listed, Choosing)}


def problems_of(steps: str, pools: Pools = SMALL, more: str = "") -> list[Problem]:
    """Everything that is wrong with these steps, written as YAML."""
    body = textwrap.indent(textwrap.dedent(steps).strip(), "  ")
    spec, found = read_spec(f"steps:\n{body}\n{more}")
    return [*found, *examine(spec, pools)[1]]


def codes_of(steps: str, pools: Pools = SMALL, more: str = "") -> list[tuple[str | None, str]]:
    """Step and code of each problem."""
    return [(problem.step, problem.code) for problem in problems_of(steps, pools, more)]


def only(problems: list[Problem], code: str) -> Problem:
    """The one problem that there is."""
    assert [problem.code for problem in problems] == [code], "\n".join(map(str, problems))
    return problems[0]


def planned(steps: str) -> dict[str, PlannedStep]:
    """The steps of a plan, written as YAML."""
    spec, problems = read_spec("steps:\n" + steps)
    return plan(spec, SMALL, problems).steps


def chain(*steps: dict[str, Any]) -> PipelineSpec:
    """Steps one after the other, behind a source with one row."""
    source = StepSpec.model_validate({"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "hi"}]}})
    specs = [source]
    for at, step in enumerate(steps):
        specs.append(StepSpec.model_validate({"name": f"s{at}", "after": specs[-1].name, **step}))
    return PipelineSpec(steps=specs)
