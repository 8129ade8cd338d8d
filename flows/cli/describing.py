"""`info`: what a pipeline is, and what can be set when it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from flows.cli.console import cell, err, out, tell
from flows.cli.flags import Model, Params, Pipeline
from flows.cli.running import configured
from flows.plan import examine
from flows.spec import PipelineSpec, StepSpec
from flows.spec.parameters import settable

LONGEST_VALUE = 48


def info(
    pipeline: Pipeline,
    param: Params = [],  # noqa: B006 - typer reads it
    llm: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say what a pipeline is: its steps, and every parameter that --param can set, with its value.

    It is shown with its problems too, as far as it can be read; `distilflow plan` lists them.
    """
    spec, problems = configured(pipeline, param, llm)
    planned, found = examine(spec)
    count = len(dict.fromkeys([*problems, *found]))
    parameters = {name: _listed(step.step, name) for name, step in planned.steps.items()}
    if as_json:
        steps = [_as_data(one, parameters.get(one.name)) for one in spec.steps]
        told = {"name": spec.name, "description": spec.description, "steps": steps, "leaves": planned.leaves}
        out.print_json(data={**told, "problems": count})
    else:
        _show(spec, parameters)
    if count:
        err.print(f"{count} problem{'s' if count > 1 else ''}: `distilflow plan` lists them.", style="yellow", highlight=False)


def _as_data(step: StepSpec, parameters: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"name": step.name, "use": step.use, "after": step.after, "parameters": parameters}


def _listed(component: Any, path: str) -> list[dict[str, Any]]:
    """The parameters of a step by their path, those of its models among them."""
    values = component.model_dump(mode="json")
    return list(_flat(settable(component), values, path))


def _flat(parameters: list[dict[str, Any]], values: Mapping[str, Any], path: str) -> Iterator[dict[str, Any]]:
    for one in parameters:
        name, value = f"{path}.{one['name']}", values.get(one["name"])
        if (inside := one.get("runtime_parameters_info")) is not None:
            yield from _flat(inside, value if isinstance(value, Mapping) else {}, name)
        else:
            yield {"path": name, "value": value, "optional": one["optional"], "description": one["description"]}


def _show(spec: PipelineSpec, parameters: Mapping[str, list[dict[str, Any]]]) -> None:
    out.print(Text(spec.name, style="bold"))
    if spec.description:
        tell(spec.description)
    for step in spec.steps:
        after = f"  after {', '.join(step.after)}" if step.after else ""
        out.print(Text.assemble("\n", (step.name, "bold cyan"), f"  {step.use}{after}"), soft_wrap=True)
        mine = parameters.get(step.name, [])
        width = max((len(one["path"]) for one in mine), default=0)
        for one in mine:
            value = "not set" if one["value"] is None else cell(one["value"], LONGEST_VALUE)
            tell(f"  {one['path']:<{width}}  {value}")
        if step.name not in parameters:
            tell("  cannot be made as it stands")
    tell("\n--param PATH=VALUE sets one; `distilflow steps CLASS` says what each is.")
