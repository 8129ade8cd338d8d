"""A few rows through the pipeline, or as far as one step, at once, before anything is run or paid for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from app.handlers.cells import columns_of, rows_as_cells
from app.handlers.drafts import check, notice_of
from app.handlers.wording import in_words
from flows.plan import Plan
from flows.plan import plan as plan_again
from flows.plan.reach import reached
from flows.runners.inline import preview
from flows.spec import PipelineSpec
from steps.errors import DistilflowError, PlanError, Problem

ROWS = 5


def preview_text(text: str, runs_dir: Path, step: str | None = None, rows: int = ROWS) -> dict[str, Any]:
    """What a few rows become in each step, or in one step and those before it.

    Steps that cannot run are left out, and those after them. Never raises for what is wrong with the pipeline: that is in
    `notice`.
    """
    began = time.monotonic()
    try:
        plan, problems = check(text)
        plan = runnable_part(plan, problems, step)
        made = preview(plan, rows, runs_dir=runs_dir)
    except DistilflowError as error:
        return {"rows": rows, "steps": {}, "notice": notice_of(error), "seconds": time.monotonic() - began}
    failures: dict[str, list[dict[str, Any]]] = {}
    for failure in made.failures:
        failures.setdefault(failure.step, []).append(
            {"code": failure.code, "title": in_words(failure.code), "message": failure.message, "fix": failure.fix}
        )
    steps = {
        name: {
            "columns": columns_of(found, _new_first(plan, name)),
            "rows": rows_as_cells(found),
            "failures": failures.get(name, []),
        }
        for name, found in made.rows.items()
    }
    return {"rows": rows, "steps": steps, "notice": None, "seconds": time.monotonic() - began}


def runnable_part(plan: Plan, problems: list[Problem], step: str | None = None) -> Plan:
    """The pipeline without the steps that have problems and those after them; of a step, only what its rows come from.

    Raises:
        PlanError: Nothing is left, the step cannot run, or a problem belongs to no step.
    """
    if any(problem.step is None for problem in problems):
        raise PlanError([problem for problem in problems if problem.step is None])
    broken = {problem.step for problem in problems if problem.step is not None}
    wanted = _before(plan.spec, step) if step is not None else set(plan.steps)
    kept: list[str] = []
    for name, planned in plan.steps.items():
        if name in wanted and name not in broken and all(before in kept for before in planned.after):
            kept.append(name)
    if not kept or (step is not None and step not in kept):
        found = [problem for problem in problems if step is None or problem.step in wanted]
        raise PlanError(found or [Problem("no-steps", "", f"there is no step {step!r} to try", "select another one")])
    if len(kept) == len(plan.steps):
        return plan
    spec = PipelineSpec(
        name=plan.spec.name,
        steps=[one for one in plan.spec.steps if one.name in kept],
        routing={name: router for name, router in plan.spec.routing.items() if name in kept and name != step},
    )
    return plan_again(spec)


def _before(spec: PipelineSpec, step: str) -> set[str]:
    """A step and all whose rows come to it."""
    after = {one.name: one.after for one in spec.steps}
    return set(reached([step], lambda name: after.get(name, []))) & after.keys()


def _new_first(plan: Plan, name: str) -> list[str]:
    planned = plan.steps[name]
    before = set(planned.received or ())
    return [column for column in planned.sent or () if column not in before]
