"""`run`, `resume`, `retry` and `stop`."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.console import err, out, show_rows
from flows.cli.progress import display
from flows.engine import quarantine
from flows.models import with_llm
from flows.plan import Plan, plan
from flows.runners.engine_client import EngineProcess
from flows.runners.engine_process import Start
from flows.runs import LAUNCHED_AT, RunFolder, RunReport, RunStore
from flows.spec import apply_parameters, parse_parameter, read_file, read_spec
from steps.errors import RunError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

ALL_ROWS, FAILED, WITH_QUARANTINE, STOPPED = 0, 1, 3, 130
ROWS_SHOWN = 2

Params = Annotated[
    list[str], typer.Option("--param", "-p", help="Replace a parameter, e.g. judge.llm.model=gpt-4o. May be repeated.")
]
RunsDir = Annotated[Path, typer.Option(help="Folder that holds all runs.")]
Output = Annotated[Path | None, typer.Option(help="Folder for the Distiset; the run's own if not given.")]
Push = Annotated[str | None, typer.Option(help="Push the result to this repository on the Hub, owner/name.")]
NoPrefect = Annotated[bool, typer.Option("--no-prefect", help="Run without Prefect: starts sooner, shows nothing in its UI.")]
Model = Annotated[
    str | None,
    typer.Option("--llm", help="Ask this model instead of those in the file: openai/gpt-4o-mini, ollama/llama3.2, vllm/..."),
]
Rehearse = Annotated[bool, typer.Option("--rehearse", help="Try the pipeline with made-up replies: no model, no cost.")]


def run(
    pipeline: Annotated[Path, typer.Argument(help="Pipeline file, YAML or JSON.")],
    param: Params = [],  # noqa: B006 - typer reads it
    llm: Model = None,
    rehearse: Rehearse = False,
    run_id: Annotated[
        str | None, typer.Option(help="Name for this run. An existing one is continued; what is finished is kept.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    output: Output = None,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Take only so many rows of the source.")] = None,
    push: Push = None,
    no_prefect: NoPrefect = False,
) -> None:
    """Run a pipeline and keep its result in runs/<run>/distiset.

    Finished work is kept in the run's folder: the same --run-id again goes on where it was, and after a change of the
    pipeline redoes only what the change touches. Ctrl-C stops the run and keeps finished rows.

    Exit codes: 0 all rows, 3 finished with rows in quarantine, 2 the pipeline or an argument is wrong, 1 failed,
    130 stopped.
    """
    planned = planned_from(pipeline, param, llm, rehearse=rehearse)
    folder = RunStore(runs_dir).new(run_id, planned.spec.name)
    raise typer.Exit(_run(planned, folder, max_rows, output, push, no_prefect=no_prefect))


def resume(
    run_id: Annotated[str, typer.Argument(help="Name of the run.")],
    runs_dir: RunsDir = Path("runs"),
    output: Output = None,
    push: Push = None,
    no_prefect: NoPrefect = False,
) -> None:
    """Go on with a run that was stopped, cut off or failed. What is finished is not done again."""
    raise typer.Exit(_again(RunStore(runs_dir).get(run_id), output, push, no_prefect=no_prefect))


def retry(
    run_id: Annotated[str, typer.Argument(help="Name of the run.")],
    runs_dir: RunsDir = Path("runs"),
    output: Output = None,
    push: Push = None,
    no_prefect: NoPrefect = False,
) -> None:
    """Try the rows in quarantine again, and only those."""
    folder = RunStore(runs_dir).get(run_id)
    if folder.is_alive():
        raise RunError(f"run {run_id!r} is still at work", "wait for it, or stop it first")
    rows = quarantine.empty(folder.quarantine)
    err.print(f"{counted(rows)} tried again." if rows else "No rows are in quarantine; the run is resumed.")
    raise typer.Exit(_again(folder, output, push, no_prefect=no_prefect))


def stop(run_id: Annotated[str, typer.Argument(help="Name of the run.")], runs_dir: RunsDir = Path("runs")) -> None:
    """Stop a run of another terminal or of the app; rows at work are finished first, and kept."""
    folder = RunStore(runs_dir).get(run_id)
    if not folder.is_alive():
        raise RunError(f"run {run_id!r} is not at work ({folder.report().state})")
    folder.request_stop()
    err.print(f"Run {run_id} will stop within seconds and keep its finished rows.")


def planned_from(pipeline: Path, param: list[str], llm: str | None, *, rehearse: bool) -> Plan:
    """The plan of a file and the options given with it.

    Raises:
        SpecError, PlanError: What is wrong, all at once.
    """
    spec, problems = read_spec(read_file(pipeline))
    if llm or rehearse:
        spec = with_llm(spec, "rehearsal" if rehearse else str(llm))
    spec, misfits = apply_parameters(spec, dict(map(parse_parameter, param)))
    return plan(spec, known=[*problems, *misfits])


def _again(folder: RunFolder, output: Path | None, push: str | None, *, no_prefect: bool) -> int:
    report = folder.report()
    folder = RunFolder(folder.path.resolve())
    output = output.resolve() if output else Path(report.output) if report.output else None
    if report.cwd and Path(report.cwd).is_dir():
        os.chdir(report.cwd)  # the pipeline's paths are relative to where it was started
    return _run(plan(folder.spec()), folder, report.max_rows, output, push, no_prefect=no_prefect)


def _run(
    planned: Plan, folder: RunFolder, max_rows: int | None, output: Path | None, push: str | None, *, no_prefect: bool
) -> int:
    if folder.is_alive():
        raise RunError(f"run {folder.run_id!r} is being worked on by another process", "wait for it, or stop it first")
    target = str(output.resolve()) if output else None
    start = Start(
        planned.spec.to_dict(), str(folder.path.resolve()), max_rows, target, planned.pools.devices, launched_at=_launched_at()
    )
    engine = EngineProcess(start)
    err.print(f"Run {folder.run_id}", highlight=False)
    shown = display(list(planned.steps))
    engine.add_listener(shown.show)
    _stop_on_interrupt(engine)
    try:
        if no_prefect:
            engine.follow_freely()
            report = engine.wait()
        else:
            report = _run_in_prefect(engine, folder)
    finally:
        shown.close()
    assert report is not None
    _tell(report, folder)
    if push and report.state == "finished":
        from flows.distiset import Distiset

        out.print(f"Pushed to {Distiset.load_from_disk(folder.distiset).push_to_hub(push)}", highlight=False)
    if report.state == "stopped":
        return STOPPED
    return WITH_QUARANTINE if report.quarantined else ALL_ROWS


def _launched_at() -> float:
    """When this was started, as whoever started it saw it: from then on it can be stopped."""
    return float(os.environ.get(LAUNCHED_AT) or time.time())


def _run_in_prefect(engine: EngineProcess, folder: RunFolder) -> RunReport | None:
    """Show the engine, which is at work already, as a flow run."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # what it would say, we say
    from flows.deployments import hand_over

    hand_over(engine)
    parameters: dict[str, Any] = {"pipeline": folder.run_id, "run_id": folder.run_id, "runs_dir": str(folder.path.parent)}
    try:
        state: State[Any] = asyncio.run(_flow(parameters))
    except Exception as error:  # no flow run could be made: Prefect itself is not there
        engine.stop()
        engine.wait()
        raise RunError(
            f"Prefect does not work: {error}; finished rows are kept",
            f"check PREFECT_API_URL and its server, or do without: distilflow resume {folder.run_id} --no-prefect",
        ) from error
    if state.is_crashed() or state.is_failed():
        report = engine.wait(0)  # raises the engine's own error, which says more
        if report is None:
            raise RunError(f"the flow run failed: {state.message}", f"resume it: distilflow resume {folder.run_id}")
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


def counted(rows: int) -> str:
    return "1 row is" if rows == 1 else f"{rows:,} rows are"


def _tell(report: RunReport, folder: RunFolder) -> None:
    """What came of it, and what to do next."""
    from flows.distiset import head

    made = ", ".join(f"{rows:,} rows in {leaf!r}" for leaf, rows in report.rows.items()) or "no rows"
    out.print()
    for leaf in report.rows:
        show_rows(head(folder.distiset, leaf, ROWS_SHOWN), leaf)
    out.print(f"{report.state.capitalize()}: {made}, in {report.duration_s:.1f} s.", highlight=False)
    out.print(f"Distiset: {folder.distiset}", highlight=False, soft_wrap=True)
    if report.quarantined:
        out.print(
            f"{counted(report.quarantined)} in quarantine ({folder.quarantine}). "
            f"Try them again: distilflow retry {report.run_id}",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
    if report.is_rehearsal:
        out.print("This was a rehearsal: the replies are made up.", style="yellow")
