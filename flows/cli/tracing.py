"""`why` and `compare`: where a row of a result came from, and how the results of two runs differ."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from flows.cli.console import LONGEST_CELL, cell, out, show_aligned, tell
from flows.cli.flags import RunId, RunsDir
from flows.engine.tally import money
from flows.lineage.model import Asked, Comparison, Only, Side, StepOfRow, Why
from flows.runs import RUNS, RunStore
from steps.wording import counted

MOST_COLUMNS = 6
"""Of a row beside another."""
MOST_MADE = 12
"""Of what a step made: ConsolidateLabels says in its last columns why the first are as they are."""
LONGEST_REASON = 1000
"""Letters of a text that a step over all rows made: nothing else shows how it came about."""


def why(
    run_id: RunId,
    row: Annotated[int, typer.Argument(min=1, help="Number of the row in the result, from 1.")],
    part: Annotated[str, typer.Option(help="Part of the result, where it has several: the name of a leaf step.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print it all as JSON: whole prompts, replies and values.")] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Say why a row of the result is as it is: its way through the steps, with prompts, replies and what they cost."""
    from flows.lineage.why import why as find

    told = find(RunStore(runs_dir).get(run_id), part.partition(" / ")[0], row - 1)
    if as_json:
        print(told.model_dump_json(indent=1))
        return
    out.print(Text(f"Row {row} of {told.leaf!r}, run {run_id}: {_used(told)}", style="bold"))
    for step in told.steps:
        _show(step)


def _used(told: Why) -> str:
    if not told.requests:
        return "no request"
    price = "unknown price" if told.cost is None else money(told.cost)
    return f"{counted(told.requests, 'request')}, {told.input_tokens:,} tokens in, {told.output_tokens:,} out, {price}"


def _show(step: StepOfRow) -> None:
    after = f", after {' and '.join(step.after)}" if step.after else f", row {int(step.row.partition('.')[0]) + 1}"
    out.print()
    out.print(Text.assemble((step.step, "bold cyan"), f"  {step.use}{after}"), soft_wrap=True)
    notes = [step.note, f"taken over from {step.reused_from}" if step.reused_from else ""]
    notes += [f"one of {step.siblings} rows made of the same row" if step.siblings > 1 else ""]
    for note in filter(None, notes):
        tell(f"  {note}", style="dim")
    for number, asked in enumerate(step.replies, start=1):
        _show_reply(number, asked, len(step.replies))
    for name, value in list(step.added.items())[:MOST_MADE]:
        is_reason = step.kind == "all" and isinstance(value, str)
        tell(f"  {name}: {cell(value, LONGEST_REASON if is_reason else LONGEST_CELL)}")
    if len(step.added) > MOST_MADE:
        tell(f"  and {counted(len(step.added) - MOST_MADE, 'more column')}", style="dim")
    for refused in step.refused:
        tell(
            f"  row {refused.row} of the same row failed in {refused.step!r}: [{refused.code}] {refused.message}",
            style="yellow",
        )


def _show_reply(number: int, asked: Asked, replies: int) -> None:
    facts = [f"{asked.seconds:.1f} s", f"{asked.input_tokens + asked.output_tokens:,} tokens"]
    facts += [] if asked.cost is None else [money(asked.cost)]
    facts += [f"sent {asked.attempts} times"] if asked.attempts > 1 else []
    facts = ["made up, no request"] if asked.is_free and asked.model == "rehearsal" else facts
    facts = ["replayed, no request"] if asked.is_copy or (asked.is_free and asked.model != "rehearsal") else facts
    which = f"request {number} of {replies}: " if replies > 1 else ""
    who = f"{asked.asked_as} ({asked.model})" if asked.asked_as else asked.model
    tell(f"  {which}{who} · {' · '.join(facts)}")
    if isinstance(asked.chat, list):
        tell(f"    prompt: {cell(asked.chat)}")
    for text in asked.texts:
        tell(f"    reply: {cell(text)}")
    if asked.problem:
        tell(f"    could not be used: {asked.problem}", style="yellow")


def compare(
    a: Annotated[str, typer.Argument(help="Name of a run.")],
    b: Annotated[str, typer.Argument(help="Name of the run to compare it with.")],
    part: Annotated[str | None, typer.Option(help="Part of the result; the first if not given.")] = None,
    only: Annotated[Only, typer.Option(help="Which rows to show: all, or of one kind.")] = "changed",
    page: Annotated[int, typer.Option(min=1, help="Which page of these rows.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the page as JSON, with whole values.")] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compare the results of two runs row by row: rows that come from the same row of the source stand side by side."""
    from flows.lineage.compare import compare as find

    store = RunStore(runs_dir)
    told = find(store.get(a), store.get(b), part.partition(" / ")[0] if part else None, page, only)
    if as_json:
        print(told.model_dump_json(indent=1))
        return
    show_aligned(["run", "state", "rows", "duration", "requests", "cost"], [_side(told.a), _side(told.b)])
    apart = f"{told.only_a:,} only in {a}, {told.only_b:,} only in {b}"
    tell(f"\n{counted(told.same, 'row')} the same, {told.changed:,} changed, {apart}")
    if told.changes:
        tell("Columns that differ: " + ", ".join(f"{name} in {counted(rows, 'row')}" for name, rows in told.changes.items()))
    _show_pairs(told)


def _side(side: Side) -> list[str]:
    cost = "unknown price" if side.cost is None else money(side.cost)
    return [side.run_id, side.state, f"{side.rows:,}", f"{side.duration_s:.1f} s", f"{side.requests:,}", cost]


def _show_pairs(told: Comparison) -> None:
    for pair in told.pairs:
        numbers = [f"row {at + 1} of {run}" for at, run in ((pair.a, told.a.run_id), (pair.b, told.b.run_id)) if at is not None]
        out.print()
        out.print(Text(" and ".join(numbers), style="bold"), soft_wrap=True)
        row = pair.row_a or pair.row_b or {}
        for name in pair.changed or list(row)[:MOST_COLUMNS]:
            if name in pair.changed:
                tell(f"  {name}: {cell((pair.row_a or {}).get(name))}", style="red")
                tell(f"  {' ' * len(name)}  {cell((pair.row_b or {}).get(name))}", style="green")
            else:
                tell(f"  {name}: {cell(row[name])}")
    if told.pages > 1:
        tell(f"\nPage {told.page} of {told.pages}; the next: --page {told.page + 1}" if told.page < told.pages else "")
