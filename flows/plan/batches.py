"""Which steps send their rows to a provider many at a time, what that saves, and why some cannot."""

from __future__ import annotations

from flows.engine.tally import money
from flows.plan.planned import Plan, PlannedStep, Problems
from steps.llms.base import LLM
from steps.providers import COMPATIBLE, PROVIDERS
from steps.tasks.base import Task
from steps.wording import listed


def check_batches(planned: PlannedStep, problems: Problems) -> None:
    """Check that a step which is to go by batch can."""
    step = planned.step
    if not isinstance(step, Task) or not (models := step.batched_models):
        return
    without = [llm for llm in models.values() if llm.batching is None]
    if without:
        who = listed(dict.fromkeys(f"{type(llm).__name__} {llm.model_name!r}" for llm in without))
        offering = listed(provider.class_name for provider in PROVIDERS if provider.batch is not None)
        what = f"`batch` is true, and {who} {'has' if len(without) == 1 else 'have'} no batch endpoint that is known here"
        problems.add("no-batch-endpoint", what, f"leave `batch` out, or ask one of {offering}", planned.name)
    elif planned.pool != "async":
        what = f"`batch` is true, and the step works in the pool {planned.pool!r}: only those of the pool async share batches"
        problems.add("wrong-pool", what, "leave `pool` out", planned.name)


def batch_notes(plan: Plan) -> list[str]:
    """A sentence for each step that goes by batch: where, how long that may take, and what it saves."""
    found = []
    for name, planned in plan.steps.items():
        if isinstance(planned.step, Task):
            models = {id(llm): llm for llm in planned.step.batched_models.values()}
            found += [_note(name, llm) for llm in models.values()]
    return found


def _note(name: str, llm: LLM) -> str:
    assert llm.batching is not None
    provider = getattr(llm, "provider", COMPATIBLE)
    if provider is COMPATIBLE:
        return f"{name!r} goes by batch, to {llm.endpoint}: whether it takes any, and what it charges then, is not known here."
    rate, price = llm.batching.rate, llm.find_price()
    told = f"{name!r} goes by batch, to {provider.title}: replies come within a day, at {rate:.0%} of the price"
    if price is None or price.is_free:
        return f"{told}."
    less = price.at(rate)
    usual = f"{money(price.input)} and {money(price.output)}"
    return f"{told} ({money(less.input)} per million tokens in and {money(less.output)} out, instead of {usual})."
