"""`runs`, `show`, `usage` and `journal`: what has been run, what came of it, and what it used."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.text import Text

from flows.cli.console import cell, err, out, show_aligned, show_rows, tell
from flows.cli.flags import RUNS, RunId, RunsDir, command
from flows.cli.running import counted
from flows.engine.journal import JOURNAL
from flows.engine.tally import Tally
from flows.journals import SHARED, find_journal, is_shared, share
from flows.runs import RunFolder, RunReport, RunStore
from flows.usage import By, read_usage
from steps.errors import RunError, SpecError

REASONS_SHOWN = 10
ROWS_OF_USAGE = 20


@dataclass(slots=True)
class _Reason:
    """Why rows failed in a step."""

    step: str
    code: str
    message: str
    fix: str
    rows: int = 0


def runs(runs_dir: RunsDir = RUNS) -> None:
    """List the runs, newest first."""
    found = [_line(folder) for folder in RunStore(runs_dir).all()]
    if found:
        show_aligned(["id", "pipeline", "state", "rows", "quarantined", "started", "duration"], found)
    else:
        err.print(f"There are no runs in {runs_dir}.", highlight=False)


def show(run_id: RunId, runs_dir: RunsDir = RUNS) -> None:
    """Show how a run stands or ended: its steps, the rows that failed and why, and where the result lies."""
    folder = RunStore(runs_dir).get(run_id)
    folder = RunFolder(folder.path.resolve())
    report = folder.report()
    out.print(Text(f"Run {run_id}: {report.state}", style="bold"))
    if report.state == "failed" or report.used_up:
        tell(report.message)
    sessions = f", in {report.sessions} sessions" if report.sessions > 1 else ""
    tell(", ".join(filter(None, (f"Pipeline {report.pipeline}", f"started {_moment(report)}", _duration(report)))) + sessions)
    if report.steps:
        out.print()
        _show_steps(report)
    if reasons := _reasons(folder):
        _show_quarantine(reasons, command("retry", run_id, runs_dir=runs_dir))
    out.print()
    if report.rows and folder.distiset.is_dir():
        _show_result(folder, report)
    elif folder.is_alive():
        tell("It is at work; its result is written when it ends.")
    else:
        tell(f"There is no result. Go on with it: {command('resume', run_id, runs_dir=runs_dir)}")


def usage(
    run_id: RunId,
    by: Annotated[By, typer.Option(help="What to add up by: step, model or row.")] = "step",
    csv: Annotated[Path | None, typer.Option(help="Write all lines to this file, as comma-separated values.")] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Show what the requests of a run used, in all its sessions: tokens, money and time."""
    folder = RunStore(runs_dir).get(run_id)
    table = read_usage(folder.path / JOURNAL, by)
    if not len(table):
        tell("Nothing was used: no reply was paid for.")
        return
    if csv is not None:
        try:
            table.write_csv(csv)
        except OSError as error:
            raise SpecError(f"{csv} cannot be written: {error.strerror}", "name another file") from error
        tell(f"Wrote {len(table):,} lines: {csv}")
        return
    shown = table.dearest(ROWS_OF_USAGE) if by == "row" else list(table)
    if by == "step":
        order = list(folder.report().steps)
        shown.sort(key=lambda line: order.index(line[0]) if line[0] in order else len(order))
    total = table.total()
    lines = [_used(name, one) for name, one in shown] + ([_used("total", total)] if len(table) > 1 else [])
    header = [by, "requests", "tokens in", "cached", "tokens out", "reasoning", "cost", "s/request"]
    filled = [at for at in range(len(header)) if at == 0 or any(line[at] for line in lines)]
    show_aligned([header[at] for at in filled], [[line[at] for at in filled] for line in lines])
    if len(shown) < len(table):
        tell(f"The dearest {len(shown)} of {len(table):,} rows. All of them: {_csv_command(run_id, runs_dir)}")


def _used(name: str, used: Tally) -> list[str]:
    counts = (used.requests, used.input_tokens, used.cached_input_tokens, used.output_tokens, used.reasoning_tokens)
    seconds = f"{used.seconds / used.requests:.2f}" if used.requests else ""
    return [name, *(f"{count:,}" if count else "" for count in counts), used.in_money(), seconds]


def _csv_command(run_id: str, runs_dir: Path) -> str:
    return command("usage", run_id, "--by", "row", "--csv", f"{run_id}-usage.csv", runs_dir=runs_dir)


def journal(
    source: Annotated[str, typer.Argument(help="A run, its folder, or a journal.")],
    output: Annotated[
        Path | None,
        typer.Option(help=f"File to write; {SHARED} in the run's Distiset if not given, to be pushed with it."),
    ] = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write the replies of a run into one file that can be shared.

    `distilflow replay FILE` makes the rows again for nothing, `run --journal FILE` asks only for what is not in it, and
    ReplayLLM reads it too. It holds prompts and replies, never keys.
    """
    found = find_journal(source, RunStore(runs_dir))
    if output is None and (found.run is None or not found.run.distiset.is_dir()):
        raise SpecError(f"{source!r} has no Distiset to put {SHARED} into", "say where: --output FILE.jsonl")
    target = output or cast(RunFolder, found.run).distiset / SHARED
    if not is_shared(target):
        raise SpecError(f"--output {target} is no file of JSON lines", f"name it {target.with_suffix('.jsonl')}")
    try:
        replies = share(found.path, target)
    except OSError as error:
        raise RunError(f"{target} cannot be written: {error.strerror}", "make room, or name another file") from error
    tell(f"Wrote {replies:,} {'reply' if replies == 1 else 'replies'} to {target}")
    tell(f"Replay them: distilflow replay {shlex.quote(str(target))}")


def _line(folder: RunFolder) -> list[str]:
    try:
        report = folder.report()
    except (OSError, ValueError):  # of another release, or cut off in the writing
        return [folder.run_id, "?", "unreadable", "", "", "", ""]
    rows = f"{sum(report.rows.values()):,}" if report.rows else ""
    quarantined = f"{report.quarantined:,}" if report.quarantined else ""
    return [folder.run_id, report.pipeline, report.state, rows, quarantined, _moment(report), _duration(report)]


def _moment(report: RunReport) -> str:
    return datetime.fromtimestamp(report.started_at).astimezone().strftime("%Y-%m-%d %H:%M")


def _duration(report: RunReport) -> str:
    if report.ended_at is None and report.state == "failed":  # cut off: nobody noted when
        return ""
    minutes, seconds = divmod(report.duration_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"


def _show_steps(report: RunReport) -> None:
    columns = ["rows in", "rows out", "reused", "failed", "requests", "tokens in", "tokens out", "cost"]
    table = []
    for name, step in report.steps.items():
        used = step.usage
        counts = (step.taken, step.made, step.reused, step.failed, used.requests, used.input_tokens, used.output_tokens)
        table.append([name, *(f"{count:,}" if count else "" for count in counts), used.in_money()])
    filled = [at for at in range(len(columns) + 1) if at < 3 or any(line[at] for line in table)]
    show_aligned([["step", *columns][at] for at in filled], [[line[at] for at in filled] for line in table])
    if total := report.usage.in_words():
        tell(f"Used: {total}")


def _reasons(folder: RunFolder) -> list[_Reason]:
    """Why rows failed, the most frequent reason first. Messages name what was seen, so that of the first row stands for all."""
    found: dict[tuple[str, str], _Reason] = {}
    for row in folder.quarantined():
        step, code, message, fix = (str(row.get(key) or "") for key in ("step", "code", "message", "fix"))
        found.setdefault((step, code), _Reason(step, code, message, fix)).rows += 1
    return sorted(found.values(), key=lambda reason: -reason.rows)


def _show_quarantine(reasons: list[_Reason], retry: str) -> None:
    total = sum(reason.rows for reason in reasons)
    tell(f"\n{counted(total)} in quarantine", style="yellow")
    for reason in reasons[:REASONS_SHOWN]:
        example = "e.g. " if reason.rows > 1 else ""
        tell(f"  {reason.rows:,} × [{reason.code}] step {reason.step!r}: {example}{cell(reason.message)}")
        if reason.fix:
            tell(f"    Fix: {cell(reason.fix)}")
    if len(reasons) > REASONS_SHOWN:
        tell(f"  and {len(reasons) - REASONS_SHOWN} more reasons")
    tell(f"  Try them again: {retry}")


def _show_result(folder: RunFolder, report: RunReport) -> None:
    for leaf in report.rows:
        show_rows(folder.first_rows(leaf), leaf)
    made = ", ".join(f"{rows:,} in {leaf!r}" for leaf, rows in report.rows.items())
    tell(f"Rows: {made}")
    tell(f"Distiset: {folder.distiset}")
    tell("In Python:")
    code = f"  from flows import Distiset\n  distiset = Distiset.load_from_disk({json.dumps(str(folder.distiset))})"
    tell(code)
