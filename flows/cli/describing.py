"""`info`: what a pipeline is, and what can be set when it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer
from rich.text import Text

from flows.cli.console import cell, err, out, tell
from flows.cli.flags import Model, Params, Pipeline
from flows.cli.running import configured
from flows.plan import PlannedStep, batch_size_field, examine
from flows.spec import PipelineSpec, StepSpec
from flows.spec.parameters import settable
from steps.errors import Problem
from steps.models import models_of
from steps.tasks.base import Task
from steps.wording import listed

LONGEST_VALUE = 48
OF_NO_EFFECT = "changes nothing: rows are asked about as they come, max_concurrency of its model at a time"
"""What to know of the batch size of a task, which pipelines of distilabel set."""


class Setting(NamedTuple):
    """Something that --param may set, or may not."""

    path: str
    value: Any
    optional: bool = True
    description: str = ""
    note: str = ""
    """Where the value comes from, or what to mind when it is set."""
    why_not: str = ""
    """Why it cannot be set; empty where it can."""


def info(
    pipeline: Pipeline,
    param: Params = None,
    llm: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say what a pipeline is: its steps, and everything that --param can set, with its value.

    It is shown with its problems too, as far as it can be read; `distilflow plan` lists them.
    """
    spec, problems = configured(pipeline, param, llm)
    planned, found = examine(spec)
    problems = list(dict.fromkeys([*problems, *found]))
    settings = {name: [*_parameters(step), *_placement(step)] for name, step in planned.steps.items()}
    if as_json:
        steps = [_as_data(one, settings.get(one.name), problems) for one in spec.steps]
        told = {"name": spec.name, "description": spec.description, "steps": steps, "leaves": planned.leaves}
        out.print_json(data={**told, "problems": len(problems)})
    else:
        _show(spec, settings, problems)
    if count := len(problems):
        err.print(f"{count} problem{'s' if count > 1 else ''}: `distilflow plan` lists them.", style="yellow", highlight=False)


def _as_data(step: StepSpec, settings: Sequence[Setting] | None, problems: Iterable[Problem]) -> dict[str, Any]:
    parameters = None if settings is None else [one._asdict() for one in settings]
    why_not = _why_not(step.name, problems) if settings is None else ""
    return {"name": step.name, "use": step.use, "after": step.after, "parameters": parameters, "why_not": why_not}


def _why_not(step: str, problems: Iterable[Problem]) -> str:
    """Why a step cannot be made, and so nothing of it can be set one by one."""
    return "; ".join(problem.what for problem in problems if problem.step == step) or "what it comes after is wrong"


# ---- the parameters of a step, those of its models among them


def _parameters(planned: PlannedStep) -> Iterator[Setting]:
    step, values = planned.step, planned.step.model_dump(mode="json")
    unnamed = models_of(type(step)).keys() - planned.spec.params.keys()
    for one in settable(step):
        if one["name"] in unnamed:
            note = "the default: name a whole model with `use`, then its parameters can be set one by one"
            yield Setting(f"{planned.name}.{one['name']}", values[one["name"]], note=note)
        else:
            yield from _flat([one], values, planned.name)


def _flat(parameters: list[dict[str, Any]], values: Mapping[str, Any], path: str) -> Iterator[Setting]:
    for one in parameters:
        name, value = f"{path}.{one['name']}", values.get(one["name"])
        if (inside := one.get("runtime_parameters_info")) is not None:
            yield from _flat(inside, value if isinstance(value, Mapping) else {}, name)
        else:
            yield Setting(name, value, one["optional"], one["description"])


# ---- where it works


def _placement(planned: PlannedStep) -> Iterator[Setting]:
    step, spec, path = planned.step, planned.spec, planned.name
    field = batch_size_field(type(step))
    if field is None:
        yield Setting(f"{path}.batch_size", None, why_not="it takes rows as they come")
    elif isinstance(step, Task) and field == "input_batch_size":
        yield Setting(f"{path}.batch_size", spec.batch_size, note=OF_NO_EFFECT)
    else:
        yield Setting(f"{path}.batch_size", getattr(step, field), description="Most rows handed over at a time.")
    chosen = "" if spec.pool else "chosen by itself"
    yield Setting(f"{path}.pool", planned.pool, description="async, process or gpu.", note=chosen)
    keys = listed(type(step.resources).model_fields)
    yield Setting(f"{path}.resources", step.resources.model_dump(exclude_none=True), note=f"its keys: {keys}")
    for name in ("input_mappings", "output_mappings"):
        if mappings := getattr(step, name):
            yield Setting(f"{path}.{name}", mappings)


def _show(spec: PipelineSpec, settings: Mapping[str, Sequence[Setting]], problems: Sequence[Problem]) -> None:
    out.print(Text(spec.name, style="bold"))
    if spec.description:
        tell(spec.description)
    for step in spec.steps:
        after = f"  after {', '.join(step.after)}" if step.after else ""
        out.print(Text.assemble("\n", (step.name, "bold cyan"), f"  {step.use}{after}"), soft_wrap=True)
        mine = settings.get(step.name, [])
        width = max((len(one.path) for one in mine), default=0)
        for one in mine:
            tell(f"  {one.path:<{width}}  {_said(one)}")
        if step.name not in settings:
            tell(f"  nothing can be set, since it cannot be made as it stands: {_why_not(step.name, problems)}")
    tell("\n--param PATH=VALUE sets one; `distilflow steps CLASS` says what each is.")


def _said(one: Setting) -> str:
    if one.why_not:
        return f"cannot be set: {one.why_not}"
    value = "not set" if one.value is None else cell(one.value, LONGEST_VALUE)
    return f"{value}  ({one.note})" if one.note else value
