"""Running without Prefect: whole runs for scripts, and previews that keep nothing but the replies they paid for."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from flows.engine.engine import Engine
from flows.engine.events import Event
from flows.engine.hosts import warm_up
from flows.engine.live import NEWEST
from flows.engine.observer import Observer
from flows.engine.options import RunOptions
from flows.engine.outcome import Failure
from flows.engine.placing import LocalPlacer
from flows.engine.settings import Settings
from flows.engine.shelf import ShelfRows
from flows.journals import previews_of, trim
from flows.plan import Plan
from flows.runners.session import Request, run_session
from flows.runs import RunFolder, RunReport, RunStore

T = TypeVar("T")
PREVIEW_GROWTH = 100
"""Rows that a preview shows of steps that multiply them, for each row it takes."""


def run_inline(
    plan: Plan,
    runs_dir: Path,
    *,
    run_id: str | None = None,
    options: RunOptions | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> RunFolder:
    """Run a plan here, with worker processes but without Prefect.

    Raises:
        RunError: The run could not go on; what is finished is kept.
    """
    folder = RunStore(runs_dir).new(run_id, plan.spec.name)
    run_here(Request(plan, folder, options or RunOptions()), on_event)
    return folder


def run_here(request: Request, on_event: Callable[[Event], None] = lambda event: None) -> RunReport:
    """Run a session on an event loop of its own; the first Ctrl-C or SIGTERM stops it and keeps finished rows."""
    warm_up()
    stops: list[Callable[[], object]] = []

    def begun(engine: Engine) -> None:
        stop_on_signals(engine)
        stops.append(partial(asyncio.get_running_loop().call_soon_threadsafe, engine.stop))

    async def session() -> RunReport:
        return await run_session(request, LocalPlacer(request.plan.pools), on_event=on_event, on_engine=begun)

    return run_to_end(session(), lambda: [stop() for stop in stops])


def run_to_end(work: Coroutine[Any, Any, T], interrupted: Callable[[], object] = lambda: None) -> T:
    """Run to the end on an event loop of its own; a notebook has one already, so there it gets a thread too.

    There Ctrl-C (the button "interrupt") reaches this thread, not the one with the run: `interrupted` passes it on.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(asyncio.run, work)
        try:
            return future.result()
        except KeyboardInterrupt:
            interrupted()
            return future.result()


def stop_on_signals(engine: Engine) -> None:
    """Let SIGINT and SIGTERM stop this engine; a second one ends the process as it always would."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        engine.stop()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
    except (ValueError, RuntimeError):  # not the main thread, which gets the signals
        return


@dataclass(slots=True)
class Preview:
    """What a few rows became: the rows that leave each step, and those that failed."""

    plan: Plan
    rows: dict[str, list[dict[str, Any]]]
    failures: list[Failure]


class _Failures(Observer):
    def __init__(self) -> None:
        self.list: list[Failure] = []

    def failed(self, failure: Failure) -> None:
        self.list.append(failure)


def preview(plan: Plan, rows: int = 5, *, runs_dir: Path) -> Preview:
    """Run the first rows through all steps, at once, in this process.

    Replies are kept for the next previews and for the runs of the runs folder, so none is paid for twice; the oldest are
    dropped beyond 64 MiB.

    Raises:
        RunError: A step cannot work at all.
    """
    return run_to_end(preview_async(plan, rows, runs_dir=runs_dir))


async def preview_async(plan: Plan, rows: int = 5, *, runs_dir: Path) -> Preview:
    """`preview`, for code that has an event loop."""
    failures = _Failures()
    async with sampled(plan, rows, failures, runs_dir=runs_dir, newest=rows * PREVIEW_GROWTH) as (engine, folder):
        made = {name: list(ShelfRows(path)) for name, path in engine.shelves.items()}
        kept = {name: made.get(name) or folder.newest_rows(name) for name in plan.steps}
        return Preview(plan, kept, failures.list)


@asynccontextmanager
async def sampled(
    plan: Plan, rows: int, observer: Observer, *, runs_dir: Path, newest: int = NEWEST
) -> AsyncIterator[tuple[Engine, RunFolder]]:
    """An engine that has run the first rows in this process, and its folder, which goes with the context.

    Replies are kept in the journal of previews. `newest`: of each step so many rows are kept.

    Raises:
        RunError: A step cannot work at all.
    """
    journal = previews_of(runs_dir)
    trim(journal)
    plan = _to_look_at(plan)
    with tempfile.TemporaryDirectory(prefix="distilflow-sample-") as folder:
        settings = Settings(Path(folder), RunOptions(max_rows=rows), in_threads=True, newest=newest, journal=journal)
        engine = Engine(plan, settings, LocalPlacer(plan.pools), observer)
        await engine.run()
        yield engine, RunFolder(Path(folder))


def _to_look_at(plan: Plan) -> Plan:
    """The plan with steps that write nothing beyond this machine."""
    steps = {
        name: replace(planned, step=planned.step.model_copy(update=dict(planned.step.in_preview)))
        for name, planned in plan.steps.items()
        if planned.step.in_preview
    }
    return replace(plan, steps=plan.steps | steps)
