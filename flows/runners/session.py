"""One start of a run, from lock to Distiset: what every runner does around the engine."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flows.distiset import NotADistiset, check_target
from flows.engine.caps import Caps, check_prices
from flows.engine.engine import Engine
from flows.engine.events import Event
from flows.engine.journal import JOURNAL
from flows.engine.options import RunOptions
from flows.engine.placing import Placer
from flows.engine.quarantine import take_over_retries
from flows.engine.settings import Settings
from flows.engine.stages import keys_of
from flows.journals import previews_of, usable
from flows.plan import Plan
from flows.plan.grouping import load_groups
from flows.runners.finishing import Finisher
from flows.runners.recorder import Recorder
from flows.runs import RunFolder, RunReport, UnreadableRun
from steps import cassettes
from steps.errors import DistilflowError, RunError
from steps.wording import counted


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run, and where."""

    plan: Plan
    folder: RunFolder
    options: RunOptions = field(default_factory=RunOptions)
    launched_at: float = field(default_factory=time.time)
    """Unix time from which on the request to stop is meant for this session."""


async def run_session(
    request: Request,
    placer: Placer,
    *,
    on_event: Callable[[Event], None] = lambda event: None,
    on_engine: Callable[[Engine], None] = lambda engine: None,
) -> RunReport:
    """Run a plan in its folder; what earlier sessions finished there is not done again.

    `on_engine` gets the engine before it starts, to stop it later.

    Raises:
        RunError: The run could not go on, or another process works on it.
        SpecError: It has a budget, and nobody knows what its models cost.
        PlanError: Its load groups are none.
    """
    folder = request.folder
    check_prices(request.plan, Caps.of(request.options))
    load_groups(request.plan, request.options.load_groups)  # says what is wrong with them
    if (output := request.options.output) is not None:
        check_target(output)
        _check_outside(output.resolve(), folder)
    with _writing_to(folder), folder.locked():
        options = request.options.changed({"journals": await asyncio.to_thread(_journals, request)})
        report = _report(request)
        request.plan.spec.save(folder.path / "pipeline.yaml")
        folder.save_report(report)
        folder.forget_pause(request.launched_at)
        recorder = Recorder(folder, report, on_event)
        if options.is_replay and report.sessions == 1:
            for journal in request.options.journals:
                take_over_retries(RunFolder(journal.parent).quarantine, folder.quarantine)
        settings = Settings(folder.path, options)
        engine = Engine(request.plan, settings, placer, recorder)
        on_engine(engine)
        try:
            await _run(engine, recorder, request)
        finally:
            recorder.close()
    return report


def _journals(request: Request) -> tuple[Path, ...]:
    """The journals that the engine looks into: those asked for, and unless only those may answer, those of the runs whose
    rows are taken over, and that of the previews. What is found there is not sent, so a cassette would lack it.

    Raises:
        NotAJournal: One is gone, or cannot be read.
    """
    is_taped = cassettes.current() is not None
    others = [root / JOURNAL for root in request.options.reuse]
    others += [] if is_taped else [previews_of(request.folder.path.parent)]
    found = () if request.options.is_replay else tuple(folder for folder in others if folder.is_dir())
    return (*usable(request.options.journals, request.folder), *found)


def _check_outside(output: Path, folder: RunFolder) -> None:
    """Check that the Distiset and the run's own files do not lie in each other's way.

    Raises:
        NotADistiset: They would.
    """
    run = folder.path.resolve()
    if run.is_relative_to(output) or (output.is_relative_to(run) and output != run / "distiset"):
        raise NotADistiset(f"{output} holds files of the run itself", "name another folder, or none: it is then in the run's")


@contextlib.contextmanager
def _writing_to(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            f"the run's folder {folder.path} cannot be written: {error.strerror}", "make room, or choose another --runs-dir"
        ) from error


async def _run(engine: Engine, recorder: Recorder, request: Request) -> None:
    recorder.enter("running")
    watching = asyncio.create_task(recorder.watch(engine, request.launched_at))
    finisher = Finisher(request.plan)
    getting_ready = asyncio.create_task(finisher.get_ready(engine))
    try:
        await engine.run()
        recorder.snapshot(engine)
        recorder.report.quarantined = engine.quarantined
        recorder.report.shortfalls = engine.shortfalls
        recorder.enter("finishing")
        ended = recorder.report.model_copy(update={"state": "stopped" if engine.is_cut_short else "finished"})
        recorder.report.rows = await finisher.finish(engine, ended, request.folder, request.options.output)
    except Exception as error:
        said = error if isinstance(error, DistilflowError) else RunError(f"{type(error).__name__}: {error}")
        said.go_on = "resume the run"
        with contextlib.suppress(OSError):  # a full disk is what may have ended it
            recorder.snapshot(engine)
            recorder.report.quarantined = engine.quarantined
            recorder.enter("failed", str(said))
        raise said from error
    finally:
        watching.cancel()
        getting_ready.cancel()
        finisher.close()
    notes = [engine.used_up.message] if engine.used_up else [*map(str, recorder.report.shortfalls)]
    notes += [f"{counted(recorder.report.quarantined, 'row')} in quarantine"] if recorder.report.quarantined else []
    notes += engine.at_providers
    recorder.report.used_up = engine.used_up.option if engine.used_up else None
    recorder.report.enough = engine.used_up.enough if engine.used_up else 0.0
    recorder.enter("stopped" if engine.is_cut_short else "finished", "; ".join(notes))


def _report(request: Request) -> RunReport:
    plan, folder = request.plan, request.folder
    models = plan.llms
    earlier = None
    with contextlib.suppress(UnreadableRun):  # its ledger and journal are read all the same
        earlier = folder.report() if folder.exists() else None
    return RunReport(
        run_id=folder.run_id,
        pipeline=plan.spec.name,
        started_at=time.time(),
        sessions=earlier.sessions + 1 if earlier else 1,
        models={step: ", ".join(dict.fromkeys(llm.model_name for llm in named.values())) for step, named in models.items()},
        is_rehearsal=bool(plan.made_up),
        played_cassette=cassettes.is_replayed() or bool(earlier and earlier.played_cassette),
        options=request.options,
        cwd=str(Path.cwd()),
        step_keys=keys_of(plan),
        versions={"distilflow": _version("distilflow"), "python": platform.python_version()},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
