"""What of a pipeline was done before: which steps a new run takes over from earlier ones, and what the others would use."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, Field

from flows.engine.stages import keys_of
from flows.engine.tally import Tally, money
from flows.plan import Plan
from flows.runs import RunFolder, RunReport, RunStore
from flows.spec import PipelineSpec
from steps.errors import DistilflowError
from steps.tasks.asking import AskingStep
from steps.wording import counted

Freshness = Literal["fresh", "stale", "new"]
"""fresh: its finished rows are taken over; stale: it, or a step before it, has changed; new: no run had it."""


class Staleness(BaseModel):
    """What a new run of a pipeline would take over, and what it would do again."""

    run_id: str | None = None
    """The newest run of a pipeline of this name."""
    steps: dict[str, Freshness] = Field(default_factory=dict)
    rows: int = 0
    """Most rows that one of the steps to be done again would take."""
    requests: int = 0
    """What the steps that ask would send, as far as earlier runs tell; replies that are on record are asked for by nobody."""
    cost: float = 0.0
    """USD, at today's prices."""
    unknown: list[str] = Field(default_factory=list)
    """Steps that ask a model, and nobody can tell from earlier runs what that costs."""

    @property
    def summary(self) -> str:
        """It in words."""
        if self.run_id is None:
            return "This pipeline has not run yet."
        again = [name for name, state in self.steps.items() if state != "fresh"]
        if not again:
            return f"Nothing has changed since run {self.run_id}: what is finished is taken over."
        some = f"{counted(len(again), 'step')} of {len(self.steps)} would run"
        which = "all steps run" if len(again) == len(self.steps) else some
        told = [f"up to {counted(self.rows, 'row')}"] if self.rows else []
        told += [counted(self.requests, "request")] if self.requests else []
        told += [f"about {money(self.cost)}"] if self.cost else []
        told += [f"the cost of {' and '.join(map(repr, self.unknown))} is not known yet"] if self.unknown else []
        return f"{which[:1].upper()}{which[1:]} again since run {self.run_id}" + (f": {', '.join(told)}." if told else ".")


def staleness(plan: Plan, store: RunStore) -> Staleness:
    """Compare a pipeline with the earlier runs of its name."""
    runs = store.of_pipeline(plan.spec.name)
    if not runs:
        return Staleness(steps=dict.fromkeys(plan.steps, "new"))
    (newest, last), reports = runs[0], [report for _, report in runs]
    keys = keys_of(plan)
    spec = _spec_of(newest)
    found = Staleness(run_id=newest.run_id)
    for name, planned in plan.steps.items():
        is_known = any(report.step_keys.get(name) == keys[name] for report in reports)
        if is_known and planned.is_source:  # its key says nothing of its data: rows are compared one by one
            is_known = spec is not None and any(step == planned.spec for step in spec.steps)
        had_it = any(name in report.step_keys for report in reports)
        found.steps[name] = "fresh" if is_known else "stale" if had_it else "new"
    for name, state in found.steps.items():
        if state != "fresh":
            _add_use(found, plan, name, last, reports)
    return found


def _spec_of(run: RunFolder) -> PipelineSpec | None:
    with suppress(DistilflowError, OSError):
        return run.spec()
    return None


def _add_use(found: Staleness, plan: Plan, name: str, last: RunReport, reports: list[RunReport]) -> None:
    rows = _rows_into(plan, name, last)
    found.rows = max(found.rows, rows)
    step = plan.steps[name].asks
    if step is None or step.is_free:
        return
    used = next((one for report in reports if (one := report.steps.get(name)) and one.usage.requests), None)
    if used is None:
        found.unknown.append(name)
        return
    asked = max(1, used.taken - used.reused)
    found.requests += round(rows * used.usage.requests / asked)
    cost = _cost(step, used.usage, rows / asked)
    if cost is None:
        found.unknown.append(name)
    else:
        found.cost += cost


def _rows_into(plan: Plan, name: str, last: RunReport) -> int:
    """Rows that a step took in the last run, or would have got there."""
    if name in last.steps:
        return last.steps[name].taken
    before = [last.steps[upstream].made for upstream in plan.steps[name].after if upstream in last.steps]
    return max(before, default=0)


def _cost(task: AskingStep, used: Tally, share: float) -> float | None:
    """At today's price, or, of several models with prices of their own, at those of the day."""
    prices = [task.price_of(llm) for llm in task.answering_models().values()]
    if None in prices:
        return None
    if any(price != prices[0] for price in prices):
        cost = used.cost
    else:
        cost = prices[0].cost(used.usage) if prices[0] is not None else None
    return None if cost is None else cost * share
