"""Which steps share a model that this machine computes: it is loaded once for all of them."""

from __future__ import annotations

import orjson

from flows.plan.planned import Plan, PlannedStep
from steps.llms.local_llm import LocalLLM
from steps.tasks.base import Task


def local_models(planned: PlannedStep) -> dict[str, LocalLLM]:
    """The models of a step that this machine computes in a process of their own, by the names that the step has for them.

    There are none where the step loads something itself: then all of it lives in the step's own worker.
    """
    step = planned.step
    if not isinstance(step, Task) or type(step).load is not Task.load:
        return {}
    return {name: llm for name, llm in step.answering_models().items() if isinstance(llm, LocalLLM)}


def model_key(planned: PlannedStep) -> str | None:
    """What steps have in common that share a process with models: the same weights, pool and resources."""
    weights = sorted({llm.weights() for llm in local_models(planned).values()})
    if not weights:
        return None
    where = [planned.pool, planned.step.resources.model_dump(mode="json")]
    return orjson.dumps([weights, *where], option=orjson.OPT_SORT_KEYS).decode()


def devices_of(plan: Plan, steps: list[str]) -> int:
    """GPUs that these steps need when they work at the same time: those that share a model need its GPUs once."""
    return sum(shares(plan, steps).values())


def shares(plan: Plan, steps: list[str]) -> dict[str, int]:
    """GPUs by step; of steps that share a model only the first needs any."""
    seen: set[str] = set()
    found: dict[str, int] = {}
    for name in steps:
        planned = plan.steps[name]
        found[name] = plan.pools.devices_wanted(planned.pool, planned.step.resources)
        if (key := model_key(planned)) is not None:
            found[name] = 0 if key in seen else found[name]
            seen.add(key)
    return found


def sharing_steps(plan: Plan) -> list[list[str]]:
    """Steps that share a model, of each model at least two."""
    found: dict[str, list[str]] = {}
    for name, planned in plan.steps.items():
        if (key := model_key(planned)) is not None:
            found.setdefault(key, []).append(name)
    return [names for names in found.values() if len(names) > 1]
