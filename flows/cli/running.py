"""`run`, `resume`, `retry`, `replay` and `stop`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import STOPPED
from flows.cli.console import err, out, show_rows, tell
from flows.cli.failures import reasons_of, rows_are, tell_again, tell_reasons, tell_shortfalls
from flows.cli.flags import Model, Params, Pipeline, Rehearse, RunFlags, RunId, RunsDir, takes_run_flags
from flows.cli.progress import display
from flows.engine import quarantine
from flows.engine.caps import Caps, check_prices
from flows.engine.options import RunOptions
from flows.hub import PushFailed, refuse_made_up
from flows.importing import read_source, understand
from flows.journals import Source, entries_of, find_journal
from flows.models import with_llm
from flows.plan import Groups, Plan, examine, plan
from flows.plan.grouping import load_groups
from flows.runners.engine_client import EngineProcess
from flows.runners.start import Start
from flows.runs import LAUNCHED_AT, RUNS, NothingToRetry, NotRunning, RunFolder, RunReport, RunStore, command
from flows.spec import PipelineSpec, apply_parameters, parse_parameter, read_spec
from steps.cassettes import cassette
from steps.errors import Problem, RunError, SpecError
from steps.llms.base import Responder
from steps.shipped import here_or_shipped
from steps.wording import counted

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

Retried = tuple[str | None, str | None]
"""Which rows of the quarantine are tried again: those of a step, of a reason; None for all."""
ALL_ROWS, FAILED, NOT_ALL_ROWS, USED_UP = 0, 1, 3, 4


@takes_run_flags
def run(
    pipeline: Pipeline,
    flags: RunFlags,
    param: Params = None,
    llm: Model = None,
    rehearse: Rehearse = False,
    run_id: Annotated[
        str | None, typer.Option(help="Name for this run. An existing one is continued; what is finished is kept.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record the requests to model servers and their answers in a cassette.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Answer requests from a cassette: nothing is sent, no key is needed.")
    ] = None,
) -> None:
    """Run a pipeline and keep its result in `runs/<id>/distiset`.

    Finished work is kept in the run's folder: the same --run-id again goes on where it was, and after a change of the
    pipeline redoes only what the change touches. Ctrl-C stops the run and keeps finished rows.

    Exit codes: 0 all rows, 3 finished with rows in quarantine, with fewer rows than a step wants, or with rows that found
    none to be matched with, 4 stopped because its budget is used up, 2 the pipeline or an argument is wrong, 1 failed,
    130 stopped.
    """
    asked = RunOptions(load_groups=flags.load_groups or ())
    with _cassette(record, replay):
        planned = planned_from(pipeline, param, llm, rehearse=rehearse, load_groups=asked.load_groups)
        folder = RunStore(flags.runs_dir).new(run_id, planned.spec.name)
        if rehearse:
            folder.refuse_rehearsal()
        code = _run(planned, folder, flags.over(RunOptions(), planned.spec.name), flags)
    raise typer.Exit(code)


def _cassette(record: Path | None, replay: Path | None) -> AbstractContextManager[object]:
    """What puts in the cassette that was named, if one was.

    Raises:
        SpecError: Two were.
    """
    if record and replay:
        raise SpecError("--record and --replay name a cassette each; one is in at a time", "leave one of them out")
    if record:
        return cassette(record, "record")
    return cassette(replay, "replay") if replay else nullcontext()


@takes_run_flags
def resume(
    run_id: RunId,
    flags: RunFlags,
    param: Params = None,
) -> None:
    """Go on with a run that was paused, stopped, cut off or failed. What is finished is not done again.

    It is asked for what it was asked for before, where no option says otherwise. With --param it goes on with a corrected
    pipeline; what the correction touches is done again.
    """
    folder = RunStore(flags.runs_dir).get(run_id)
    if folder.is_alive() and folder.is_asked_to_pause():
        folder.request_resume()
        err.print(f"Run {run_id} goes on.")
        return
    raise typer.Exit(_again(folder, flags, param))


@takes_run_flags
def retry(
    run_id: RunId,
    flags: RunFlags,
    step: Annotated[str | None, typer.Option(help="Only rows that failed in this step.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Only rows that failed for this reason, as `distilflow show` names it.")
    ] = None,
) -> None:
    """Try the rows in quarantine again, and only those: all, or those of one step or reason."""
    folder = RunStore(flags.runs_dir).get(run_id)
    if folder.is_alive():
        raise folder.busy()
    if next(folder.quarantined(), None) is None:
        go_on = f"go on with it, if it was cut short: {flags.command('resume', run_id)}"
        raise NothingToRetry(f"no row of run {run_id!r} is in quarantine; nothing was run", go_on)
    if not any(quarantine.is_of(line, step, reason) for line in folder.quarantined()):
        known = ", ".join(sorted({f"{line['step']} {line.get('code')}" for line in folder.quarantined()}))
        asked = " ".join(filter(None, (step and f"step {step!r}", reason and f"reason {reason!r}")))
        raise NothingToRetry(f"no row in quarantine is of {asked}; nothing was run", f"there are: {known}")
    raise typer.Exit(_again(folder, flags, retry=(step, reason)))


@takes_run_flags
def replay(
    source: Annotated[str, typer.Argument(help="A run, its folder, or a file that `distilflow journal` wrote.")],
    flags: RunFlags,
    pipeline: Annotated[Path | None, typer.Argument(help="Pipeline file; the one beside the journal if not given.")] = None,
    param: Params = None,
    llm: Annotated[
        str | None, typer.Option("--llm", help="The model that answered, if it was chosen with --llm: openai/gpt-4o-mini.")
    ] = None,
    run_id: Annotated[str | None, typer.Option(help="Name for the new run.")] = None,
) -> None:
    """Run a pipeline again on the replies in a journal: no request, no key, no cost.

    Rows whose reply is not in the journal go to the quarantine. Models that are free anyway answer as ever.
    """
    store = RunStore(flags.runs_dir)
    found = find_journal(source, store)
    file = pipeline or found.pipeline
    if file is None:
        raise SpecError(f"no pipeline.yaml lies beside {source!r}", f"name the pipeline: distilflow replay {source} PIPELINE")
    given = flags.over(RunOptions(), "")
    asked = RunOptions(max_rows=found.run.report().options.max_rows if found.run and not pipeline else None)
    options = asked.changed({**given.model_dump(), "journals": (found.path, *given.journals), "is_replay": True})
    file, store = here_or_shipped(file).absolute(), RunStore(store.folder.absolute())
    if found.run and not pipeline:
        _go_where_it_started(found.run.report())
    planned = planned_from(str(file), param, llm, is_replay=True)
    _check_something_is_replayed(planned, found)
    folder = store.new(run_id, planned.spec.name)
    if folder.exists() and not folder.report().options.is_replay:
        raise SpecError(
            f"{folder.run_id!r} is a run that asked models; a replay would take its place", "choose another --run-id"
        )
    raise typer.Exit(_run(planned, folder, options, flags))


def pause(run_id: RunId, runs_dir: RunsDir = RUNS) -> None:
    """Pause a run of another terminal or of the app: nothing more is sent, and what is under way comes in and is kept.

    `resume` lets it go on where it is; `stop` ends it.
    """
    folder = _at_work(run_id, runs_dir)
    folder.request_pause()
    go_on = command("resume", run_id, runs_dir=runs_dir)
    err.print(f"Run {run_id} pauses within a second. Let it go on: {go_on}", highlight=False, soft_wrap=True)


def stop(run_id: RunId, runs_dir: RunsDir = RUNS) -> None:
    """Stop a run of another terminal or of the app; rows at work are finished first, and kept."""
    _at_work(run_id, runs_dir).request_stop()
    err.print(f"Run {run_id} will stop within seconds and keep its finished rows.")


def _at_work(run_id: str, runs_dir: Path) -> RunFolder:
    """A run that a process works on.

    Raises:
        UnknownRun, NotRunning: There is none.
    """
    folder = RunStore(runs_dir).get(run_id)
    if not folder.is_alive():
        state = folder.report().state
        look = f"look at its result: {command('show', run_id, runs_dir=runs_dir)}"
        go_on = f"go on with it: {command('resume', run_id, runs_dir=runs_dir)}"
        raise NotRunning(f"run {run_id!r} is not at work: it is {state}", look if state == "finished" else go_on)
    return folder


def planned_from(
    pipeline: str,
    param: Sequence[str] | None,
    llm: str | None = None,
    *,
    rehearse: bool = False,
    is_replay: bool = False,
    load_groups: Groups = (),
) -> Plan:
    """The plan of a file and the options given with it.

    Raises:
        SpecError, PlanError: What is wrong, all at once.
    """
    if rehearse and llm:
        raise SpecError(f"--rehearse asks no model, and --llm names {llm!r}", "leave one of them out")
    spec, problems = configured(pipeline, param, "rehearsal" if rehearse else llm)
    return plan(spec, known=problems, is_replay=is_replay, load_groups=load_groups)


def models_of(pipeline: str, param: Sequence[str] | None, llm: str | None) -> dict[str, Mapping[str, Responder]]:
    """The models that the steps of a file would ask, as far as they can be made here: what is wrong is said elsewhere."""
    return examine(configured(pipeline, param, llm)[0])[0].llms


def configured(pipeline: str, param: Sequence[str] | None, llm: str | None) -> tuple[PipelineSpec, list[Problem]]:
    """The pipeline of a file with the options given with it, and what is wrong with them. Notes on the file are told.

    Raises:
        SpecError: It is no pipeline file.
    """
    found = understand(read_source(pipeline))
    for note in found.notes:
        err.print(f"Note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    spec, problems = read_spec(found.text)
    if llm:
        spec = with_llm(spec, llm)
    spec, misfits = apply_parameters(spec, dict(map(parse_parameter, param or ())))
    return spec, [*problems, *misfits]


def _check_something_is_replayed(planned: Plan, source: Source) -> None:
    """Check that the pipeline asks a model whose replies a journal may hold.

    Raises:
        SpecError: All its models are free: they would answer, and no reply of the journal would be used.
    """
    if any(not llm.is_free for _, llm in planned.every_llm):
        return
    _, asked = next(entries_of(source.path))
    raise SpecError(
        "no model of this pipeline would be replayed: all of them are free, and answer as ever",
        f"name the one that answered in {source.path}, as the run did: --llm provider/{asked.get('model')}",
    )


def _again(folder: RunFolder, flags: RunFlags, param: Sequence[str] | None = None, *, retry: Retried | None = None) -> int:
    report = folder.report()
    folder = RunFolder(folder.path.resolve())
    options = flags.over(report.options, report.pipeline)
    if report.flow_run_id is None:  # it began without Prefect, and goes on so
        flags = replace(flags, no_prefect=True)
    _go_where_it_started(report)
    spec, misfits = apply_parameters(folder.spec(), dict(map(parse_parameter, param or ())))
    return _run(plan(spec, known=misfits, is_replay=options.is_replay), folder, options, flags, retry=retry)


def _go_where_it_started(report: RunReport) -> None:
    """The paths in a pipeline count from there."""
    if report.cwd and Path(report.cwd).is_dir():
        os.chdir(report.cwd)


def _run(planned: Plan, folder: RunFolder, options: RunOptions, flags: RunFlags, *, retry: Retried | None = None) -> int:
    if folder.is_alive():
        raise folder.busy()
    if flags.push:
        refuse_made_up(planned)
    check_prices(planned, Caps.of(options))
    load_groups(planned, options.load_groups)
    folder = RunFolder(folder.path.resolve())
    start = Start(planned.spec.to_dict(), str(folder.path), options, planned.pools.devices, _launched_at())
    if retry is not None:  # here: what is wrong was told before, and the quarantine is as it was
        err.print(f"{rows_are(quarantine.empty(folder.quarantine, *retry))} tried again.")
    before = sum(1 for _ in folder.quarantined()) if folder.exists() else 0
    engine = EngineProcess(start)
    err.print(f"Run {folder.run_id}", highlight=False)
    shown = display(list(planned.steps))
    engine.add_listener(shown.show)
    _stop_on_interrupt(engine)
    try:
        if flags.no_prefect:
            engine.follow_freely()
            report = engine.wait()
        else:
            report = _run_in_prefect(engine, folder, flags)
    except RunError as error:
        if error.go_on:  # the engine does not know what to type
            error.go_on = f"`{flags.command('resume', folder.run_id)}`"
        raise
    finally:
        shown.close()
    assert report is not None
    _tell(report, folder, flags)
    _tell_reuse(report, planned, before)
    if flags.push:
        _push(report, folder, flags.push, flags)
    if report.state == "stopped":
        return USED_UP if report.used_up else STOPPED
    return ALL_ROWS if report.is_whole else NOT_ALL_ROWS


def _launched_at() -> float:
    """When this was started, as whoever started it saw it: from then on it can be stopped."""
    return float(os.environ.get(LAUNCHED_AT) or time.time())


def _push(report: RunReport, folder: RunFolder, repo_id: str, flags: RunFlags) -> None:
    more = ["--push", repo_id, *(["--no-prefect"] if flags.no_prefect else [])]
    command = flags.command("resume", folder.run_id, *more)
    if report.state != "finished":
        tell(f"Nothing was pushed: the run is not finished. Go on with it: {command}")
        return
    from flows.distiset import Distiset

    try:
        address = Distiset.load_from_disk(folder.distiset).push_to_hub(repo_id)
    except PushFailed as error:
        error.fix = f"{error.fix}\n  Push again, running nothing twice: {command}"
        raise
    tell(f"Pushed to {address}")


def _run_in_prefect(engine: EngineProcess, folder: RunFolder, flags: RunFlags) -> RunReport | None:
    """Show the engine, which is at work already, as a flow run."""
    for level in ("PREFECT_LOGGING_LEVEL", "PREFECT_SERVER_LOGGING_LEVEL", "PREFECT_LOGGING_INTERNAL_LEVEL"):
        os.environ.setdefault(level, "CRITICAL")  # what it would say, we say; its temporary server ends in the middle of things
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)  # which that server keeps its records with
    # its own 20 s are short for the first start of a busy machine
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    from flows.deployments import hand_over

    hand_over(engine)
    parameters: dict[str, Any] = {"pipeline": folder.run_id, "run_id": folder.run_id, "runs_dir": str(folder.path.parent)}
    try:
        with ThreadPoolExecutor(1, "flow") as pool:  # in the main thread Prefect would take SIGTERM for itself
            state: State[Any] = pool.submit(asyncio.run, _flow(parameters)).result()
    except Exception as error:  # no flow run could be made: Prefect itself is not there
        if engine.is_stopping:  # its temporary server got the same signal
            return engine.wait()
        engine.stop()
        engine.wait()
        raise RunError(
            f"Prefect does not work: {error}; finished rows are kept",
            f"check PREFECT_API_URL and its server, or do without: {flags.command('resume', folder.run_id, '--no-prefect')}",
        ) from error
    if state.is_crashed() or state.is_failed():
        report = engine.wait(0)  # raises the engine's own error, which says more
        if report is None:
            raise RunError(f"the flow run failed: {state.message}", f"resume it: {flags.command('resume', folder.run_id)}")
    return engine.wait()


async def _flow(parameters: dict[str, Any]) -> State[Any]:
    from flows.deployments import run_pipeline

    state: State[Any] = await run_pipeline(**parameters, return_state=True)
    return state


def _stop_on_interrupt(engine: EngineProcess) -> None:
    """The first Ctrl-C (or SIGTERM) stops the run and keeps finished rows; the second one ends it at once."""

    def first(number: int, frame: Any) -> None:
        signal.signal(number, second)
        err.print("\nStopping; finished rows are kept. Once more to end at once.", style="bold")
        engine.stop()

    def second(number: int, frame: Any) -> None:
        engine.kill()
        os._exit(STOPPED)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, first)


def _tell(report: RunReport, folder: RunFolder, flags: RunFlags) -> None:
    """What came of it, and what to do next."""
    made = ", ".join(f"{counted(rows, 'row')} in {leaf!r}" for leaf, rows in report.rows.items()) or "no rows"
    out.print()
    for leaf in report.rows:
        show_rows(folder.first_rows(leaf), leaf)
    tell(f"{report.state.capitalize()}: {made}, in {report.duration_s:.1f} s.")
    tell(f"Distiset: {folder.distiset}")
    if used := report.usage.in_words():
        tell(f"Used: {used}{', in all its sessions' if report.sessions > 1 else ''}")
    if report.used_up:
        flag = f"--{report.used_up.replace('_', '-')}"
        enough = f"{report.enough:.10g}" if report.used_up == "max_cost" else f"{report.enough:.0f}"
        more = flags.command("resume", report.run_id, flag, enough)
        tell(f"{report.message[:1].upper()}{report.message[1:]}. Go on with a higher one: {more}", style="yellow")
    tell_shortfalls(report)
    if report.quarantined:
        reasons = reasons_of(folder)
        tell(f"{rows_are(report.quarantined)} in quarantine ({folder.quarantine})", style="yellow")
        tell_reasons(folder, reasons, flags.runs_dir, most=1)
        tell(f"  Look at {'it' if report.quarantined == 1 else 'them'}: {flags.command('show', report.run_id)}")
        tell_again(folder, reasons, flags.runs_dir)
    if report.is_rehearsal:
        out.print("This was a rehearsal: what models give is made up.", style="yellow")


def _tell_reuse(report: RunReport, planned: Plan, quarantined_before: int) -> None:
    """What was there already. A result is what one step made of one row; those of sources cost nothing."""
    steps = [step for name, step in report.steps.items() if not planned.steps[name].is_source]
    taken, reused, failed = (sum(getattr(step, key) for step in steps) for key in ("taken", "reused", "failed"))
    if not reused:
        return
    if report.state != "finished":
        text = f"Reused {counted(reused, 'result')} of steps that {'was' if reused == 1 else 'were'} there already."
    elif taken == reused + failed and report.quarantined == quarantined_before:
        text = "Nothing was left to do: every row had been through every step before."
    else:
        text = f"Reused {reused:,} of {taken:,} results of steps; only the others were made anew."
    tell(text)
