"""`plan`, `preview` and `steps`: what would happen, without running anything for long."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.catalogue import describe, describe_all
from flows.cli.console import err, out, show_rows, tell
from flows.cli.flags import RUNS, Model, Params, Pipeline, Rehearse, RunsDir
from flows.cli.running import FAILED, models_of, planned_from
from flows.plan.grouping import by_devices
from steps.errors import SpecError
from steps.wording import listed

SAMPLE = 5
_HEADINGS = {"ask": "Ask a model"}


def plan(
    pipeline: Pipeline,
    param: Params = [],  # noqa: B006 - typer reads it
    llm: Model = None,
    rehearse: Rehearse = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Project tokens, money and time from a sample, which asks the models.")
    ] = False,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of the source to estimate for; all if not given.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, max=1000, help=f"Rows of the source in the sample; {SAMPLE} if not given.")
    ] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Check a pipeline without running it: every problem at once, or its steps and their columns.

    --estimate also runs a few rows, and says what all rows would take; with --rehearse that costs nothing.
    """
    for flag, given, what in (("--rows", rows, "what to estimate for"), ("--sample", sample, "what to estimate from")):
        if given is not None and not estimate:
            raise SpecError(f"{flag} is {what}", "add --estimate")
    is_rehearsed_estimate = rehearse and estimate  # --llm then says whose prices count
    planned = planned_from(pipeline, param, None if is_rehearsed_estimate else llm, rehearse=rehearse)
    table = Table("step", "class", "after", "pool", "columns it adds", box=None, pad_edge=False)
    for name, step in planned.steps.items():
        added = [column for column, maker in step.made_by.items() if maker == name]
        columns = ", ".join(added) if step.sent is not None else "known when it runs"
        table.add_row(*map(Text, (name, step.spec.use, ", ".join(step.after), step.pool, columns)))
    out.print(table)
    if groups := by_devices(planned):
        tell(f"\nThe GPUs do not do for all steps at once. One after the other: {'; '.join(map(listed, groups))}.")
    out.print(f"\nNo problems. Result: {', '.join(map(repr, planned.leaves))}.", highlight=False)
    if estimate:
        from flows.cli.estimating import show_estimate
        from flows.estimate import estimate as project

        show_estimate(
            project(planned, rows, sample or SAMPLE, models_of(pipeline, param, llm) if rehearse else None, runs_dir=runs_dir)
        )


def preview(
    pipeline: Pipeline,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="Rows to take through all steps.")] = 5,
    param: Params = [],  # noqa: B006 - typer reads it
    llm: Model = None,
    rehearse: Rehearse = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Try a pipeline on its first rows.

    Nothing is kept but the replies of models: previews and runs of the same runs folder do not pay for them again.
    """
    from flows.runners.inline import preview as run_preview

    result = run_preview(planned_from(pipeline, param, llm, rehearse=rehearse), rows, runs_dir=runs_dir)
    for leaf in result.plan.leaves:
        show_rows(result.rows[leaf], leaf)
    for failure in result.failures:
        text = f"row {failure.id} failed in step {failure.step!r}: [{failure.code}] {failure.message}"
        err.print(f"{text}\n  Fix: {failure.fix}" if failure.fix else text, style="yellow", markup=False, soft_wrap=True)
    if result.failures and not any(result.rows[leaf] for leaf in result.plan.leaves):
        raise typer.Exit(FAILED)


def steps(
    name: Annotated[str | None, typer.Argument(help="A step, model or router, to see its parameters and columns.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """List the steps, models and routers there are, or describe one."""
    if as_json:
        out.print_json(data=describe(name) if name else describe_all())
    elif name:
        _show_one(describe(name))
    else:
        _show_all(describe_all())


def _show_all(catalogue: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="cyan")
    table.add_column()
    group = None
    for entry in catalogue:
        if entry["group"] != group:
            group = entry["group"]
            table.add_row(Text(f"\n{_HEADINGS.get(group, group.capitalize())}", style="bold"), "")
        table.add_row(Text(entry["name"]), Text(entry["summary"]))
    out.print(table)
    tell("\n`distilflow steps NAME` describes one.")


def _show_one(entry: dict[str, Any]) -> None:
    out.print(Text(entry["name"], style="bold cyan"))
    for paragraph in entry["doc"].split("\n\n"):
        tell(paragraph) if ">>>" in paragraph else out.print(Text(" ".join(paragraph.split())))
        out.print()
    tell(f"In Python: {entry['import']}")
    for verb, key in (("Needs", "inputs"), ("Makes", "outputs")):
        if key in entry and (key == "outputs" or entry["group"] != "sources"):
            tell(f"{verb}: {', '.join(entry[key]) or 'set by its parameters'}")
    if entry["parameters"]:
        out.print(Text("\nParameters", style="bold"))
    for parameter in entry["parameters"]:
        default = json.dumps(parameter["default"], ensure_ascii=False)
        may = "required" if parameter["is_required"] else "may be empty" if default == "null" else f"default {default}"
        head = Text.assemble("  ", (parameter["name"], "cyan"), f"  {parameter['type']}, {may}")
        out.print(head, soft_wrap=True)
        if parameter["description"]:
            out.print(Padding(Text(parameter["description"]), (0, 0, 0, 6)))
