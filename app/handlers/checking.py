"""Whether the models of a pipeline can be asked, before it runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.handlers.drafts import check, notice_of
from flows.checking import check_models, total_cost
from steps.errors import DistilflowError, PlanError


def check_text(text: str) -> dict[str, Any]:
    """What each model of a pipeline answered to one tiny question, which costs what it costs.

    Never raises for what is wrong with the pipeline: it is in `notice`.
    """
    try:
        plan, problems = check(text)
        if problems:
            raise PlanError(problems)
        found = check_models(plan)
    except DistilflowError as error:
        return {"notice": notice_of(error)}
    models = [{**asdict(one), "usage": asdict(one.usage), "is_usable": one.is_usable} for one in found]
    return {"notice": None, "models": models, "is_usable": all(one.is_usable for one in found), "cost": total_cost(found)}
