"""A few rows through the whole pipeline, at once, before anything is run or paid for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.handlers.cells import columns_of, rows_as_cells
from app.handlers.drafts import Draft, check, notice_of
from app.handlers.wording import in_words
from flows.plan import Plan
from flows.plan import plan as plan_again
from flows.runners.inline import preview
from flows.spec import PipelineSpec
from steps.errors import DistilflowError, PlanError, Problem

ROWS = 5


def preview_draft(draft: Draft, runs_dir: Path, rows: int = ROWS) -> dict[str, Any]:
    """What a few rows become in each step. Steps that cannot run are left out, and those after them.

    Never raises for what is wrong with the pipeline: it is in `notice`.
    """
    try:
        plan, problems = check(draft["text"])
        plan = runnable_part(plan, problems)
        made = preview(plan, rows, runs_dir=runs_dir)
    except DistilflowError as error:
        return {"rows": rows, "steps": {}, "notice": notice_of(error)}
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
    return {"rows": rows, "steps": steps, "notice": None}


def runnable_part(plan: Plan, problems: list[Problem]) -> Plan:
    """The pipeline without the steps that have problems and those after them.

    Raises:
        PlanError: Nothing is left, or a problem belongs to no step.
    """
    if not problems:
        return plan
    broken = {problem.step for problem in problems if problem.step is not None}
    if any(problem.step is None for problem in problems):
        raise PlanError([problem for problem in problems if problem.step is None])
    kept: list[str] = []
    for name, planned in plan.steps.items():
        if name not in broken and all(before in kept for before in planned.after):
            kept.append(name)
    if not kept:
        raise PlanError(problems)
    spec = PipelineSpec(
        name=plan.spec.name,
        steps=[step for step in plan.spec.steps if step.name in kept],
        routing={name: router for name, router in plan.spec.routing.items() if name in kept},
    )
    return plan_again(spec)


def _new_first(plan: Plan, name: str) -> list[str]:
    planned = plan.steps[name]
    before = set(planned.received or ())
    return [column for column in planned.sent or () if column not in before]
