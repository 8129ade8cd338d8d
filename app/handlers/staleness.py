"""Which steps of a draft a run would take over from earlier runs, and which it would do again."""

from __future__ import annotations

from typing import Any

from app.handlers.drafts import check
from flows.runs import RunStore
from flows.staleness import Staleness
from flows.staleness import staleness as compare
from steps.errors import DistilflowError


def staleness(text: str, store: RunStore | None) -> dict[str, Any]:
    """For each step of a pipeline "fresh", "stale" or "new", what those that are not fresh would use, and all that in words.

    A text that cannot be planned has no steps: what is wrong with it is said elsewhere. Nor has any where a run takes over
    nothing, and there is no `store`.
    """
    found = _compared(text, store) if store is not None else Staleness()
    told = found.model_dump(include={"steps", "requests", "cost", "unknown"})
    return {**told, "has_run": found.run_id is not None, "summary": found.summary}


def _compared(text: str, store: RunStore) -> Staleness:
    try:
        plan, problems = check(text)
    except DistilflowError:
        return Staleness()
    return Staleness() if problems else compare(plan, store)
