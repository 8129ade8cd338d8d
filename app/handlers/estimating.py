"""What a full run would take: requests, tokens, money and time, before anything is paid."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.handlers.drafts import check, notice_of
from flows.estimate import Estimate, Range, estimate
from flows.models import with_llm
from flows.plan import examine
from flows.plan import plan as plan_again
from steps.errors import DistilflowError, PlanError


def estimate_text(text: str, runs_dir: Path, *, with_models: bool = False) -> dict[str, Any]:
    """What a run of this pipeline would take, by a few rows that are rehearsed for free.

    With `with_models` the rows are sent to the models themselves: that costs what they cost, once.
    Never raises for what is wrong with the pipeline: it is in `notice`.
    """
    try:
        found = _estimate(text, runs_dir, with_models=with_models)
    except DistilflowError as error:
        return {"notice": notice_of(error)}
    return {"notice": None, **_plain(asdict(found)), "is_rehearsal": found.is_rehearsal}


def _estimate(text: str, runs_dir: Path, *, with_models: bool) -> Estimate:
    plan, problems = check(text)
    hard = [problem for problem in problems if with_models or problem.code != "model-not-ready"]
    if hard:
        raise PlanError(hard)
    if with_models or not plan.llms:
        return estimate(plan, runs_dir=runs_dir)
    rehearsed, _ = examine(with_llm(plan.spec, "rehearsal"))
    return estimate(plan_again(rehearsed.spec), priced=plan.llms, runs_dir=runs_dir)


def _plain(found: Any) -> Any:
    """Ranges as low, mean and high; what is no finite number as null."""
    match found:
        case {"mean": mean, "margin": margin}:
            ends = Range(mean, margin)
            return {"mean": mean, "low": ends.low, "high": ends.high}
        case dict():
            return {name: _plain(value) for name, value in found.items()}
        case list() | tuple():
            return [_plain(value) for value in found]
        case float() if not math.isfinite(found):
            return None
    return found
