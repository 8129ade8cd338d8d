"""`plan` and `preview`: what would happen, without running anything for long."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from flows.cli.console import err, out, show_rows, tell
from flows.cli.flags import LoadGroups, Model, Params, Pipeline, Rehearse, RunsDir
from flows.cli.running import FAILED, models_of, planned_from
from flows.engine.options import RunOptions
from flows.plan.batches import batch_notes
from flows.plan.grouping import grouped
from flows.plan.sharing import sharing_steps
from flows.runs import RUNS
from steps.errors import SpecError
from steps.wording import listed

SAMPLE = 5


def plan(
    pipeline: Pipeline,
    param: Params = None,
    llm: Model = None,
    rehearse: Rehearse = False,
    load_groups: LoadGroups = None,
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
    asked = RunOptions(load_groups=load_groups or ()).load_groups
    model = None if is_rehearsed_estimate else llm
    planned = planned_from(pipeline, param, model, rehearse=rehearse, load_groups=asked)
    table = Table("step", "class", "after", "pool", "columns it adds", box=None, pad_edge=False)
    for name, step in planned.steps.items():
        added = [column for column, maker in step.made_by.items() if maker == name]
        columns = ", ".join(added) if step.sent is not None else "known when it runs"
        table.add_row(*map(Text, (name, step.spec.use, ", ".join(step.after), step.pool, columns)))
    out.print(table)
    if groups := grouped(planned, asked)[0]:
        why = "" if asked else "The GPUs do not do for all steps at once. "
        tell(f"\n{why}One after the other: {'; '.join(map(listed, groups))}.")
    for sharing in sharing_steps(planned):
        tell(f"\n{listed(map(repr, sharing))} share a model: it is loaded once while they work at the same time.")
    for note in batch_notes(planned):
        tell(f"\n{note}")
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
    param: Params = None,
    llm: Model = None,
    rehearse: Rehearse = False,
    runs_dir: RunsDir = RUNS,
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Taken as by `run`; a preview is without Prefect anyway.")
    ] = False,
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
