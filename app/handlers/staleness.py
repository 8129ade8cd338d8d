"""Which steps of a draft a run would take over from earlier runs, and which it would do again."""

from __future__ import annotations

from typing import Any

from app.handlers.drafts import check
from flows.runs import RunStore
from flows.staleness import staleness as compare
from steps.errors import DistilflowError


def staleness(text: str, store: RunStore) -> dict[str, Any]:
    """For each step of a pipeline "fresh", "stale" or "new", the run that it is compared with, and a sentence.

    A text that cannot be planned has no steps: what is wrong with it is said elsewhere.
    """
    nothing: dict[str, Any] = {"run": None, "steps": {}, "summary": "", "rows": 0, "requests": 0, "cost": 0.0, "unknown": []}
    try:
        plan, problems = check(text)
    except DistilflowError:
        return nothing
    if problems:
        return nothing
    found = compare(plan, store)
    return {**found.model_dump(exclude={"run_id"}), "run": found.run_id, "summary": found.summary}
