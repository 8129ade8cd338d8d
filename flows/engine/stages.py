"""Which steps work together: a plan cut into stages.

A chain of cheap steps is one stage: its rows stay in one worker and are handed from step to step without being copied
through the scheduler. A stage ends where rows part or meet, where all rows are needed at once, where a model is asked,
and where a step has replicas or a pool of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flows.engine.keys import step_keys
from flows.plan import Plan, PlannedStep
from flows.spec import StepSpec
from steps.base import GlobalStep, JoinStep, Step, StepResources
from steps.columns.combine_outputs import CombineOutputs
from steps.tasks.base import Task
from steps.tasks.generator import GeneratorTask, Seeds


@dataclass(slots=True)
class Stage:
    """Steps that work together, and what comes before and after them. Named after its last step."""

    steps: list[PlannedStep]
    keys: list[str]
    upstream: list[str] = field(default_factory=list)
    downstream: list[str] = field(default_factory=list)
    is_collected: bool = False
    """Its rows are read from the ledger later: by the Distiset, or by a step that needs all of them."""
    depth: int = 1
    """Places in the ids of the rows that leave it."""

    @property
    def name(self) -> str:
        return self.steps[-1].name

    @property
    def entrance(self) -> str:
        """The step of the pipeline whose rows come in here."""
        return self.head.name.removesuffix(ROWS_OF)

    @property
    def head(self) -> PlannedStep:
        return self.steps[0]

    @property
    def pool(self) -> str:
        return self.head.pool

    @property
    def resources(self) -> StepResources:
        return self.head.step.resources

    @property
    def is_source(self) -> bool:
        return self.head.is_source

    @property
    def is_global(self) -> bool:
        return isinstance(self.head.step, GlobalStep)

    @property
    def is_join(self) -> bool:
        return len(self.upstream) > 1

    @property
    def asks(self) -> Task | None:
        """The task, when the stage asks a model."""
        return self.head.step if isinstance(self.head.step, Task) else None

    @property
    def batch_rows(self) -> int:
        """Rows that are handed over at a time."""
        sizes = [getattr(planned.step, "batch_size", getattr(planned.step, "input_batch_size", 50)) for planned in self.steps]
        return int(max(sizes))

    def adds_depth(self) -> int:
        """Places that the stage appends to the ids of rows."""
        return sum(may_multiply(planned) for planned in self.steps)


def may_multiply(planned: PlannedStep) -> bool:
    """Whether one row may become several, or none, in this step."""
    step = planned.step
    if isinstance(step, Task):
        return step.may_change_rows() or (step.num_generations > 1 and not step.group_generations)
    return isinstance(step, Step) and step.may_change_rows()


def stages_of(plan: Plan) -> dict[str, Stage]:
    """The plan's stages, in an order in which each comes after those it needs."""
    plan = with_rows_of(plan)
    keys = step_keys(plan)
    chains: list[list[PlannedStep]] = []
    chain_of: dict[str, list[PlannedStep]] = {}
    for name, planned in plan.steps.items():
        before = chain_of.get(planned.after[0]) if len(planned.after) == 1 else None
        if before is not None and _goes_on(before[-1], planned):
            before.append(planned)
            chain_of[name] = before
        else:
            chain_of[name] = [planned]
            chains.append(chain_of[name])
    stages = {chain[-1].name: Stage(chain, [keys[planned.name] for planned in chain]) for chain in chains}
    for stage in stages.values():
        stage.upstream = [chain_of[name][-1].name for name in stage.head.after]
        for upstream in stage.upstream:
            stages[upstream].downstream.append(stage.name)
    for stage in stages.values():
        stage.is_collected = not stage.downstream or any(stages[name].is_global for name in stage.downstream)
        _set_depth(stage, stages)
    return stages


def keys_of(plan: Plan) -> dict[str, str]:
    """The step keys by which a run of this plan finds finished work, also of the steps that gather rows for others."""
    return {
        planned.name: key for stage in stages_of(plan).values() for planned, key in zip(stage.steps, stage.keys, strict=True)
    }


ROWS_OF = ".rows"
"""Ends the name of a step that gathers rows for another; no step of a pipeline has a dot in its name."""


def with_rows_of(plan: Plan) -> Plan:
    """The plan, with a step before each that needs one to gather its rows.

    A step that takes all rows of several branches, or those a router sends it: rows are read from the ledger of the step
    before, which must hold just the rows that are meant. A task that makes rows: what it asks about is made by a source.
    """
    steps: dict[str, PlannedStep] = {}
    for name, planned in plan.steps.items():
        is_chosen = any(upstream in plan.routers for upstream in planned.after)
        rows = f"{name}{ROWS_OF}"
        if isinstance(planned.step, GeneratorTask):
            spec = StepSpec.model_construct(name=rows, use="Seeds")
            steps[rows] = PlannedStep(spec, Seeds.of(planned.step, rows), [], [name])
            planned = replace(planned, after=[rows])
        elif isinstance(planned.step, GlobalStep) and (len(planned.after) > 1 or is_chosen):
            spec = StepSpec.model_construct(name=rows, use="CombineOutputs")
            steps[rows] = PlannedStep(spec, CombineOutputs(name=rows), planned.after, [name])
            for upstream in planned.after:
                before = steps[upstream]
                steps[upstream] = replace(before, next=[rows if after == name else after for after in before.next])
            planned = replace(planned, after=[rows])
        steps[name] = planned
    return replace(plan, steps=steps)


def _goes_on(last: PlannedStep, planned: PlannedStep) -> bool:
    """Whether a step can work in the stage that `last` ends."""
    return (
        len(last.next) == 1
        and last.pool == planned.pool == "process"
        and not isinstance(planned.step, (Task, GlobalStep, JoinStep))
        and not isinstance(last.step, (Task, GlobalStep))
        and last.step.resources == planned.step.resources
        and planned.step.resources.replicas == 1
    )


def _set_depth(stage: Stage, stages: dict[str, Stage]) -> None:
    if stage.is_source or stage.is_global:
        stage.depth = 1 + stage.adds_depth()
    elif not stage.is_join:
        stage.depth = stages[stage.upstream[0]].depth + stage.adds_depth()
    else:
        base = fork_depth(stage, stages)
        stage.depth = base + sum(stages[name].depth - base for name in stage.upstream) + stage.adds_depth()


def fork_of(stage: Stage, stages: dict[str, Stage]) -> str:
    """The last stage that every row of every branch of a join has passed: what its branches are matched by."""
    passed = _passed_by_all(stages)
    common = frozenset.intersection(*(passed[name] for name in stage.upstream))
    return next(name for name in reversed(list(stages)) if name in common)


def _passed_by_all(stages: dict[str, Stage]) -> dict[str, frozenset[str]]:
    """For each stage those that no row gets around on its way there, itself included (its dominators)."""
    passed: dict[str, frozenset[str]] = {}
    for name, stage in stages.items():
        before = [passed[upstream] for upstream in stage.upstream]
        passed[name] = (frozenset.intersection(*before) if before else frozenset()) | {name}
    return passed


def fork_depth(stage: Stage, stages: dict[str, Stage]) -> int:
    """Places of an id by which the branches of a join are matched."""
    return stages[fork_of(stage, stages)].depth


def _above(name: str, stages: dict[str, Stage]) -> set[str]:
    found: set[str] = set()
    queue = list(stages[name].upstream)
    while queue:
        upstream = queue.pop()
        if upstream not in found:
            found.add(upstream)
            queue += stages[upstream].upstream
    return found


def inside(stage: Stage, stages: dict[str, Stage]) -> set[str]:
    """Stages between the fork of a join and the join: rows in them are still to be matched."""
    fork = fork_of(stage, stages)
    outside = {fork, *_above(fork, stages)}
    branches = {name for upstream in stage.upstream for name in (upstream, *_above(upstream, stages))}
    return branches - outside
