"""What there is to see of runs: the list, one run with its steps, and the stream of what happens in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.handlers.cells import columns_of, rows_as_cells
from app.handlers.launching import is_starting, last_words, launched
from app.handlers.outline import step_cards
from flows.engine.events import Event, Progress
from flows.plan import Plan, examine
from flows.runs import RunFolder, RunReport, RunStore, UnreadableRun
from flows.spec import PipelineSpec, load_spec
from steps.errors import DistilflowError, RunError

ENDED = ("finished", "stopped", "failed")
POINTS = 120
LIVE_CHARS = 400
RUNS_LISTED = 100
PING_S = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the stream. `offset` says where in the events a reader goes on after it."""

    kind: str
    data: Any
    offset: int | None = None


# ---- looking


def list_runs(store: RunStore) -> list[dict[str, Any]]:
    """Runs for the list, newest first; also those that have only been started."""
    folders = store.all()
    known = {run.run_id for run in folders}
    young = [
        RunFolder(path.parent)
        for path in store.folder.glob("*/process.json")
        if path.parent.name not in known and time.time() - path.stat().st_mtime < 24 * 3600
    ]
    young.sort(key=lambda run: run.path.stat().st_mtime, reverse=True)
    found = []
    for run in [*young, *folders][:RUNS_LISTED]:
        with suppress(OSError, UnreadableRun):
            report = report_of(run)
            found.append(
                {
                    "id": run.run_id,
                    "pipeline": report.pipeline,
                    "state": report.state,
                    "started_at": report.started_at,
                    "ended_at": report.ended_at,
                    "rows": sum(report.rows.values()),
                    "quarantined": report.quarantined,
                    "is_rehearsal": report.is_rehearsal,
                }
            )
    return found


def report_of(run: RunFolder) -> RunReport:
    """How a run stands; of one whose process has not come so far yet, or never will, what is known of the process."""
    record = launched(run)
    starts = is_starting(run)  # before the report is read: in between it may have begun
    if run.exists():
        report = run.report()
        if starts and record and report.started_at < record["started_at"]:  # a resume or retry that has not taken over yet
            began = record["started_at"]
            return report.model_copy(update={"state": "starting", "message": "", "ended_at": None, "started_at": began})
        return report
    started = float(record["started_at"]) if record else time.time()
    pipeline = run.run_id.rsplit("-", 3)[0]
    if starts:
        return RunReport(run_id=run.run_id, pipeline=pipeline, started_at=started)
    words = last_words(run) or "its process ended and said nothing"
    ended = float(record.get("ended_at", started)) if record else started
    return RunReport(run_id=run.run_id, pipeline=pipeline, state="failed", started_at=started, ended_at=ended, message=words)


def run_view(run: RunFolder, prefect_url: str | None = None) -> dict[str, Any]:
    """One run as the page shows it: its report and its steps as cards."""
    report = report_of(run)
    spec = spec_of(run)
    plan = examine(spec)[0] if spec else None  # only for what steps are: what happened says the report, not today's problems
    return {
        "id": run.run_id,
        "report": report.model_dump(mode="json"),
        "began": run.exists(),
        "steps": step_cards(spec, plan, []) if spec and plan else [],
        "leaves": plan.leaves if plan else [],
        "can_resume": run.exists() and report.state in ("stopped", "failed"),
        "has_result": run.exists() and report.state in ENDED and bool(report.rows),
        "prefect": flow_run_link(prefect_url, report.flow_run_id),
    }


def flow_run_link(prefect_url: str | None, flow_run_id: str | None) -> str | None:
    """Where Prefect shows this run."""
    if not prefect_url or not flow_run_id:
        return None
    return f"{prefect_url.removesuffix('/').removesuffix('/api')}/runs/flow-run/{flow_run_id}"


def spec_of(run: RunFolder) -> PipelineSpec | None:
    """The pipeline of a run: as it ran, or as it was handed over."""
    for name in ("pipeline.yaml", "draft.yaml"):
        with suppress(DistilflowError):
            return load_spec(run.path / name)
    return None


def newest_rows(run: RunFolder, step: str, clip: int = LIVE_CHARS) -> dict[str, Any]:
    """The newest rows of a step as cells, oldest first, columns that the step adds first.

    Raises:
        RunError: The run has no such step.
    """
    spec = spec_of(run)
    if spec is None or step not in spec.names():
        raise RunError(f"run {run.run_id!r} has no step {step!r}", f"steps: {', '.join(spec.names()) if spec else 'none'}")
    plan, _ = examine(spec)
    return _rows(run, step, _first_columns(plan, step), clip)


def _rows(run: RunFolder, step: str, first: Sequence[str], clip: int) -> dict[str, Any]:
    rows = run.newest_rows(step)
    return {"step": step, "columns": columns_of(rows, first), "rows": rows_as_cells(rows, clip)}


def _first_columns(plan: Plan, step: str) -> list[str]:
    planned = plan.steps.get(step)
    if planned is None:
        return []
    before = set(planned.received or ())
    return [column for column in planned.sent or () if column not in before]


# ---- following


async def follow(
    run: RunFolder, start: int = 0, step: str | None = None, *, interval_s: float = 0.25
) -> AsyncGenerator[Message, None]:
    """What happens in a run from byte `start` of its events on, and the newest rows of one step, until it ends."""
    offset, is_first, last_rows, first_columns, checked = start, True, b"", list[str](), 0.0
    spec = await asyncio.to_thread(spec_of, run)
    if step is not None and spec is not None and step in spec.names():
        plan, _ = await asyncio.to_thread(examine, spec)
        first_columns = _first_columns(plan, step)
    else:
        step = None
    last_state, said = "", time.monotonic()
    while True:
        if time.monotonic() - said > PING_S:  # keeps proxies from closing a stream in which nothing happens
            said = time.monotonic()
            yield Message("ping", None)
        events, after = await asyncio.to_thread(run.read_events, offset)
        if events:
            shown = thinned(events) if is_first else events
            yield Message("events", [event.model_dump(mode="json") for event in shown], after)
        offset, is_first = after, False
        if step is not None and (stamp := _stamp(run, step)) != last_rows:
            last_rows = stamp
            yield Message("rows", await asyncio.to_thread(_rows, run, step, first_columns, LIVE_CHARS))
        if not events and time.monotonic() - checked > 4 * interval_s:
            checked = time.monotonic()
            report = await asyncio.to_thread(report_of, run)
            if report.state != last_state:
                last_state = report.state
                yield Message("state", report.model_dump(mode="json"))
            if report.state in ENDED and not (await asyncio.to_thread(run.read_events, offset))[0]:
                if step is not None and _stamp(run, step) != last_rows:
                    yield Message("rows", await asyncio.to_thread(_rows, run, step, first_columns, LIVE_CHARS))
                yield Message("end", report.model_dump(mode="json"), offset)
                return
        await asyncio.sleep(interval_s)


def thinned(events: Sequence[Event]) -> list[Event]:
    """Events for a reader who comes late: of the many snapshots of progress, enough to draw a line, and the last."""
    snapshots = [at for at, event in enumerate(events) if isinstance(event, Progress)]
    every = max(1, len(snapshots) // POINTS)
    kept = {at for number, at in enumerate(reversed(snapshots)) if number % every == 0}
    return [event for at, event in enumerate(events) if not isinstance(event, Progress) or at in kept]


def _stamp(run: RunFolder, step: str) -> bytes:
    """Changes whenever the newest rows of a step do."""
    try:
        status = (run.path / "live" / f"{step}.json").stat()
    except OSError:
        return b""
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}".encode()
