"""`runs`, `show`, `usage` and `journal`: what has been run, what came of it, and what it used."""

from __future__ import annotations

import json
import shlex
import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.text import Text

from flows.cli.console import err, out, show_aligned, show_rows, tell
from flows.cli.failures import reasons_of, rows_are, tell_again, tell_reasons, tell_shortfalls
from flows.cli.flags import RunId, RunsDir
from flows.cli.progress import standing
from flows.engine.batching.submissions import Submissions
from flows.engine.journal import JOURNAL
from flows.engine.tally import Tally
from flows.journals import PIPELINE, SHARED, Source, find_journal, is_shared, share
from flows.runs import RUNS, RunFolder, RunReport, RunStore, UnreadableRun, command
from flows.spec import load_spec
from flows.usage import By, read_usage
from steps.errors import DistilflowError, RunError, SpecError
from steps.wording import counted

ROWS_OF_USAGE = 20


def runs(runs_dir: RunsDir = RUNS) -> None:
    """List the runs, newest first."""
    found = [_line(folder) for folder in RunStore(runs_dir).all()]
    if not found:
        err.print(f"There are no runs in {runs_dir}.", highlight=False)
        return
    header = ["id", "pipeline", "state", "kind", "rows", "quarantined", "cost", "started", "duration"]
    shown = [at for at, name in enumerate(header) if name not in ("kind", "cost") or any(line[at] for line in found)]
    show_aligned([header[at] for at in shown], [[line[at] for at in shown] for line in found])


def show(run_id: RunId, runs_dir: RunsDir = RUNS) -> None:
    """Show how a run stands or ended: its steps, the rows that failed and why, and where the result lies."""
    folder = RunStore(runs_dir).get(run_id)
    folder = RunFolder(folder.path.resolve())
    report = folder.report()
    kind = f", a {_kind(report)}" if _kind(report) else ""
    out.print(Text(f"Run {run_id}: {_state(report)}{kind}", style="bold"))
    if report.message and report.state != "finished":  # else it is told below, with what to do
        tell(report.message)
    sessions = f", in {report.sessions} sessions" if report.sessions > 1 else ""
    tell(", ".join(filter(None, (f"Pipeline {report.pipeline}", f"started {_moment(report)}", _duration(report)))) + sessions)
    if report.steps:
        out.print()
        _show_steps(report)
    if report.shortfalls:
        out.print()
        tell_shortfalls(report)
    if reasons := reasons_of(folder):
        tell(f"\n{rows_are(sum(reason.rows for reason in reasons))} in quarantine", style="yellow")
        tell_reasons(folder, reasons, runs_dir)
        tell_again(folder, reasons, runs_dir)
    if report.state != "stopped" and not folder.is_alive():  # else its message says so
        _show_batches(folder, run_id, runs_dir)
    out.print()
    result = report if report.rows else _earlier(folder)
    if result is not None and folder.distiset.is_dir():
        _show_result(folder, result, "" if result is report else ", the result of an earlier session")
    if folder.is_alive():
        tell("It is at work; its result is written when it ends.")
    elif not report.rows:
        lacking = "There is no result" if result is None else "This session has no result"
        tell(f"{lacking}. Go on with it: {command('resume', run_id, runs_dir=runs_dir)}")


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
        tell(f"Wrote {counted(len(table), 'line')}: {csv}")
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
    replies_only: Annotated[
        bool, typer.Option("--replies-only", help="Leave out what was asked: a small file, that can be replayed and no more.")
    ] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write the replies of a run into one file that can be shared.

    `distilflow replay FILE` makes the rows again for nothing, `run --journal FILE` asks only for what is not in it, and
    ReplayLLM reads it too. It holds prompts (unless --replies-only) and replies, never keys, and not the data of the source:
    a replay reads that again. The pipeline is written beside the file, if there is none.
    """
    found = find_journal(source, RunStore(runs_dir))
    if output is None and (found.run is None or not found.run.distiset.is_dir()):
        raise SpecError(f"{source!r} has no Distiset to put {SHARED} into", "say where: --output FILE.jsonl")
    target = output or cast(RunFolder, found.run).distiset / SHARED
    if not is_shared(target):
        raise SpecError(f"--output {target} is no file of JSON lines", f"name it {target.with_suffix('.jsonl')}")
    if target.exists() and not (found.run and target.resolve() == (found.run.distiset / SHARED).resolve()):
        raise SpecError(f"--output {target} exists already", "name another file, or remove that one first")
    try:
        replies = share(found.path, target, replies_only=replies_only)
        words = _replay_words(found, target)
    except OSError as error:
        raise RunError(f"{target} cannot be written: {error.strerror}", "make room, or name another file") from error
    tell(f"Wrote {replies:,} {'reply' if replies == 1 else 'replies'} to {target}")
    tell(f"Replay {'it' if replies == 1 else 'them'}: {shlex.join(words)}")


def _replay_words(found: Source, target: Path) -> list[str]:
    """The command that replays a shared journal; the pipeline is put beside it if none is there."""
    beside = target.parent / PIPELINE
    words = ["distilflow", "replay", str(target)]
    if found.pipeline is None:
        words += [] if beside.exists() else ["PIPELINE"]
    elif not beside.exists():
        shutil.copyfile(found.pipeline, beside)
    elif not _is_same(beside, found.pipeline):
        words.append(str(_as_typed(found.pipeline)))
    if found.run is not None and (most := found.run.report().options.max_rows):
        words += ["--max-rows", str(most)]
    return words


def _is_same(one: Path, other: Path) -> bool:
    """Whether two files hold the same pipeline, however it is written."""
    try:
        return load_spec(one) == load_spec(other)
    except DistilflowError:
        return False


def _as_typed(path: Path) -> Path:
    """A path as short as it can be written here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _line(folder: RunFolder) -> list[str]:
    try:
        report = folder.report()
    except (OSError, UnreadableRun):
        return [folder.run_id, "?", "unreadable", "", "", "", "", "", ""]
    rows = f"{sum(report.rows.values()):,}" if report.rows else ""
    quarantined = f"{report.quarantined:,}" if report.quarantined else ""
    what = [folder.run_id, report.pipeline, _state(report), _kind(report)]
    return [*what, rows, quarantined, report.usage.in_money(), _moment(report), _duration(report)]


def _state(report: RunReport) -> str:
    """The state of a run; one that is at work and has something to say about it waits."""
    return "waiting" if report.state == "running" and report.message else report.state


def _kind(report: RunReport) -> str:
    if report.played_cassette:
        return "cassette"
    return "replay" if report.options.is_replay else "rehearsal" if report.is_rehearsal else ""


def _earlier(folder: RunFolder) -> RunReport | None:
    """The report of the session that wrote the result that lies there, if any did."""
    from flows.distiset.folders import REPORT

    try:
        report = RunReport.model_validate_json((folder.distiset / REPORT).read_bytes())
    except (OSError, ValueError):
        return None
    return report if report.run_id == folder.run_id and report.rows else None


def _show_batches(folder: RunFolder, run_id: str, runs_dir: Path) -> None:
    """What an ended session left at providers."""
    try:
        found = Submissions(folder.path).at_providers()
    except RunError as error:
        tell(f"\n{error.message}", style="yellow")
        return
    for one in found:
        tell(f"\n{one.where} since {_written(one.since)}", style="yellow")
        tell(f"  Collect what comes of {'it' if one.count == 1 else 'them'}: {command('resume', run_id, runs_dir=runs_dir)}")


def _moment(report: RunReport) -> str:
    return _written(report.started_at)


def _written(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _duration(report: RunReport) -> str:
    if report.ended_at is None and report.state == "failed":  # cut off: nobody noted when
        return ""
    minutes, seconds = divmod(report.duration_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"


def _show_steps(report: RunReport) -> None:
    columns = ["rows in", "rows out", "reused", "failed", "requests", "tokens in", "tokens out", "cost", "state"]
    was_stopped = report.state == "stopped"
    table = []
    for name, step in report.steps.items():
        used = step.usage
        counts = (step.taken, step.made, step.reused, step.failed, used.requests, used.input_tokens, used.output_tokens)
        stands = standing(step, is_over=True) if was_stopped else ""
        table.append([name, *(f"{count:,}" if count else "" for count in counts), used.in_money(), stands])
    filled = [at for at in range(len(columns) + 1) if at < 3 or any(line[at] for line in table)]
    show_aligned([["step", *columns][at] for at in filled], [[line[at] for at in filled] for line in table])
    if total := report.usage.in_words():
        tell(f"Used: {total}")


def _show_result(folder: RunFolder, report: RunReport, whose: str) -> None:
    for leaf in report.rows:
        show_rows(folder.first_rows(leaf), leaf)
    made = ", ".join(f"{rows:,} in {leaf!r}" for leaf, rows in report.rows.items())
    tell(f"Rows: {made}{whose}")
    tell(f"Distiset: {folder.distiset}")
    tell("In Python:")
    code = f"  from flows import Distiset\n  distiset = Distiset.load_from_disk({json.dumps(str(folder.distiset))})"
    tell(code)
