"""What there is to see of runs: the list, one run with its steps, and the newest rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.handlers.artifacts import count_artifacts
from app.handlers.cells import columns_of, rows_as_cells
from app.handlers.launching import is_starting, last_words, launched, spec_of
from app.handlers.outline import step_cards
from flows.plan import Plan, examine
from flows.runs import RunFolder, RunReport, RunStore, UnreadableRun, written_at
from steps.errors import RunError

ENDED = ("finished", "stopped", "failed")
LIVE_CHARS = 400
PLACES: Any = {"cwd": True, "options": {"output", "journals", "reuse"}}
"""What a report says of folders of this machine: nobody who looks at a page needs it, and strangers may look."""
RUNS_LISTED = 100


def list_runs(store: RunStore, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Runs for the list, newest first, or those of some ids; also those that have only been started."""
    folders = store.all()
    known = {run.run_id for run in folders}
    young = [
        RunFolder(path.parent)
        for path in store.folder.glob("*/process.json")
        if path.parent.name not in known and time.time() - written_at(path) < 24 * 3600
    ]
    young.sort(key=lambda run: written_at(run.path), reverse=True)
    found = []
    wanted = [run for run in [*young, *folders] if ids is None or run.run_id in ids]
    for run in wanted[:RUNS_LISTED]:
        report = told_of(run)
        found.append(
            {
                "id": run.run_id,
                "pipeline": report.pipeline,
                "state": report.state,
                "started_at": report.started_at,
                "ended_at": report.ended_at,
                "paused_at": report.paused_at,
                "paused_s": report.paused_s,
                "rows": sum(report.rows.values()),
                "quarantined": report.quarantined,
                "shortfalls": [asdict(one) for one in report.shortfalls],
                "usage": asdict(report.usage),
                "is_rehearsal": report.is_rehearsal,
            }
        )
    return found


def report_of(run: RunFolder) -> RunReport:
    """How a run stands; of one whose process has not come so far yet, or never will, what is known of the process.

    Raises:
        UnreadableRun: Its report is torn.
    """
    record = launched(run)
    starts = is_starting(run)  # before the report is read: in between it may have begun
    if run.exists():
        report = run.report()
        if starts and record and report.started_at < record["started_at"]:  # a resume or retry that has not taken over yet
            began = record["started_at"]
            times = {"started_at": began, "ended_at": None, "paused_at": None, "paused_s": 0.0}
            return report.model_copy(update={"state": "starting", "message": "", **times})
        return report
    started = record["started_at"] if record else written_at(run.path)
    if starts:
        return RunReport(run_id=run.run_id, pipeline=_pipeline_in(run.run_id), started_at=started)
    words = last_words(run) or "its process ended and said nothing"
    return _failed(run, words, started, record.get("ended_at", started) if record else started)


def told_of(run: RunFolder) -> RunReport:
    """The same for whoever has to be told something: a run whose report cannot be read has failed, and says why."""
    try:
        return report_of(run)
    except UnreadableRun as error:
        words = f"{error.message}; {error.fix}"
    except OSError as error:
        words = f"its report cannot be read: {error.strerror}"
    at = written_at(run.path / "run.json")
    return _failed(run, words, at, at)


def _failed(run: RunFolder, words: str, started: float, ended: float) -> RunReport:
    pipeline = _pipeline_in(run.run_id)
    return RunReport(run_id=run.run_id, pipeline=pipeline, state="failed", started_at=started, ended_at=ended, message=words)


def _pipeline_in(run_id: str) -> str:
    """The name of the pipeline, as a run's id begins with it."""
    return run_id.rsplit("-", 3)[0]


def run_view(run: RunFolder, prefect_url: str | None = None) -> dict[str, Any]:
    """One run as the page shows it: its report and its steps as cards."""
    report = report_of(run)
    spec = spec_of(run)
    has_result = run.exists() and report.state in ENDED and bool(report.rows)
    plan = examine(spec)[0] if spec else None  # only for what steps are: what happened says the report, not today's problems
    return {
        "id": run.run_id,
        "report": report.model_dump(mode="json", exclude=PLACES),
        "began": run.exists(),
        "steps": step_cards(spec, plan, []) if spec and plan else [],
        "result": [{"leaf": leaf, "columns": plan.steps[leaf].sent} for leaf in plan.leaves] if plan else [],
        "canvas": spec.canvas.model_dump(mode="json") if spec else {},
        "can_resume": run.exists() and report.state in ("stopped", "failed"),
        "can_run_again": spec is not None and report.state in ENDED and not report.options.is_replay,
        "has_result": has_result,
        "artifacts": count_artifacts(run) if has_result else 0,
        "prefect": flow_run_link(prefect_url, report.flow_run_id),
    }


def flow_run_link(prefect_url: str | None, flow_run_id: str | None) -> str | None:
    """Where Prefect shows this run."""
    if not prefect_url or not flow_run_id:
        return None
    return f"{prefect_url.removesuffix('/').removesuffix('/api')}/runs/flow-run/{flow_run_id}"


def pipeline_text(run: RunFolder) -> dict[str, str]:
    """The pipeline of a run as text, as it ran.

    Raises:
        RunError: It is not there, or cannot be read.
    """
    spec = spec_of(run)
    if spec is None:
        raise RunError(f"the pipeline of run {run.run_id!r} cannot be read", "look at pipeline.yaml in the run's folder")
    return {"name": spec.name, "text": spec.to_yaml()}


def newest_rows(run: RunFolder, step: str, clip: int = LIVE_CHARS) -> dict[str, Any]:
    """The newest rows of a step as cells, oldest first, columns that the step adds first.

    Where all were taken over, those of the run that made them, with its id as `from_run`.

    Raises:
        RunError: The run has no such step.
    """
    spec = spec_of(run)
    if spec is None or step not in spec.names():
        raise RunError(f"run {run.run_id!r} has no step {step!r}", f"steps: {', '.join(spec.names()) if spec else 'none'}")
    plan, _ = examine(spec)
    return rows_of(run, step, first_columns(plan, step), clip)


def rows_of(run: RunFolder, step: str, first: Sequence[str], clip: int) -> dict[str, Any]:
    maker = run.maker_of(step)
    rows = maker.newest_rows(step)
    taken_over = {"from_run": maker.run_id} if rows and maker is not run else {}
    return {"step": step, "columns": columns_of(rows, first), "rows": rows_as_cells(rows, clip), **taken_over}


def first_columns(plan: Plan, step: str) -> list[str]:
    planned = plan.steps.get(step)
    if planned is None:
        return []
    before = set(planned.received or ())
    return [column for column in planned.sent or () if column not in before]
