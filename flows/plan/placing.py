"""Where steps run: which pool, and whether it can give what they ask for."""

from __future__ import annotations

from flows.plan.planned import PlannedStep, Problems
from flows.pools import Pools
from steps.base import BaseStep, GeneratorStep, GlobalStep
from steps.llms.local_llm import LocalLLM
from steps.tasks.base import Task
from steps.wording import did_you_mean, quoted


def place(planned: PlannedStep, pools: Pools, problems: Problems, unread: set[str]) -> None:
    """Choose a step's pool and check that it fits."""
    step, name = planned.step, planned.name
    planned.pool = step.pool or step.preferred_pool()
    if step.pool is None and planned.pool == "gpu" and not pools.devices and _works_without_gpu(step):
        planned.pool = "process"
    if {"pool", "resources"} & unread:
        return
    if planned.pool not in pools.names():
        what = f"there is no pool {quoted(planned.pool)}.{did_you_mean(planned.pool, pools.names())}"
        problems.add("unknown-pool", what, f"pools: {', '.join(pools.names())}", name)
        return
    if planned.pool == "async" and not isinstance(step, Task):
        problems.add("wrong-pool", f"{planned.spec.use} does not wait for a server", "use the pool process", name)
    if step.resources.replicas > 1 and isinstance(step, (GeneratorStep, GlobalStep)) and not isinstance(step, Task):
        kind = "makes all rows" if planned.is_source else "needs all rows at once"
        problems.add("no-such-resources", f"{step.resources.replicas} replicas, but it {kind}", "remove `replicas`", name)
    for shortage, fix in pools.shortages(planned.pool, step.resources):
        problems.add("no-such-resources", shortage, fix, name)


def _works_without_gpu(step: BaseStep) -> bool:
    """Whether a step that would rather have a GPU does without: its models run on the processor too."""
    if not isinstance(step, Task) or step.resources.gpus:
        return False
    local = [llm for llm in step.answering_models().values() if llm.default_pool == "gpu"]
    return bool(local) and all(isinstance(llm, LocalLLM) and not llm.needs_gpu for llm in local)
