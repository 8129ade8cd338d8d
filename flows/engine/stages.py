"""Which steps work together: a plan cut into stages.

A chain of cheap steps is one stage: its rows stay in one worker and are handed from step to step without being copied
through the scheduler. A stage ends where rows part or meet, where all rows are needed at once, where a model is asked,
and where a step has replicas or a pool of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flows.engine.batching.gathering import MOST_AT_ONCE
from flows.engine.keys import step_keys
from flows.plan import Plan, PlannedStep
from flows.plan.reach import first_before, reached
from flows.spec import StepSpec
from steps.base import BaseStep, GlobalStep, JoinStep, LoopStep, Step, StepResources
from steps.columns.combine_outputs import CombineOutputs
from steps.tasks.asking import AskingStep
from steps.tasks.generator import GeneratorTask, Seeds
from steps.tasks.global_task import GlobalTask, PreparedRows


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
    is_guest: bool = False
    """It asks a model that another stage got the devices for."""
    rounds: int = 1
    """How often a source may begin: more than once where a step after it repeats it."""

    @property
    def name(self) -> str:
        return self.steps[-1].name

    @property
    def entrance(self) -> str:
        """The step of the pipeline whose rows come in here."""
        return self.head.name.partition(ROWS_OF)[0]

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
        return isinstance(self.head.step, GlobalStep) and self.asks is None

    @property
    def begins(self) -> bool:
        """Whether rows get their ids here."""
        return self.is_source or self.is_global

    @property
    def is_join(self) -> bool:
        """Whether rows of several branches are matched here."""
        return len(self.upstream) > 1 and not self.is_global

    @property
    def asks(self) -> AskingStep | None:
        """The step, when the stage asks a model."""
        return self.head.asks

    @property
    def asks_at_once(self) -> int:
        """Rows that may be asked about at a time: as many as the model with the most room takes."""
        models = self.asks.answering_models().values() if self.asks is not None else ()
        asked = [llm.most_in_flight * llm.rows_per_request for llm in models]
        return max([*asked, *self._rows_of_batches()], default=self.batch_rows)

    @property
    def goes_by_batch(self) -> bool:
        """Whether rows wait for the batches of a provider."""
        return bool(self._rows_of_batches())

    def _rows_of_batches(self) -> list[int]:
        """Rows that a batch of each provider takes."""
        models = self.asks.batched_models.values() if self.asks is not None else ()
        return [min(llm.batching.most_requests, MOST_AT_ONCE) for llm in models if llm.batching is not None]

    @property
    def repeats(self) -> LoopStep | None:
        """The step, when the stage sends for more rows until it has enough."""
        return self.head.repeats

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
    return isinstance(planned.step, Step) and planned.step.may_change_rows()


def stages_of(plan: Plan) -> dict[str, Stage]:
    """The plan's stages, in an order in which each comes after those it needs."""
    plan = with_hidden_steps(plan)
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
        if (repeats := stage.repeats) is not None:
            source_of(stage, stages).rounds = repeats.max_rounds
    return stages


def keys_of(plan: Plan) -> dict[str, str]:
    """The step keys by which a run of this plan finds finished work, also of the steps that gather rows for others."""
    return {
        planned.name: key for stage in stages_of(plan).values() for planned, key in zip(stage.steps, stage.keys, strict=True)
    }


ROWS_OF, ALL_OF = ".rows", ".all"
"""Stand in the names of steps that gather rows for another, after its name; no step of a pipeline has a dot in its own."""


def with_hidden_steps(plan: Plan) -> Plan:
    """The plan, with steps that gather rows for others before those.

    - Before a step that takes all rows of several branches, matched, or those a router sends it: rows are read from the ledger
      of the step before, which must hold just the rows that are meant.
    - Before a task that makes rows: what it asks about is made by a source.
    - Before a task that asks about groups of rows: what it asks about each is found out from all of them.
    """
    steps: dict[str, PlannedStep] = {}

    def put_before(planned: PlannedStep, hidden: BaseStep, branch: str | None = None) -> PlannedStep:
        """`branch`: the one of the steps before it that the hidden step comes after; all of them unless told otherwise."""
        name, branches = str(hidden.name), planned.after if branch is None else [branch]
        spec = StepSpec.model_construct(name=name, use=type(hidden).__name__)
        steps[name] = PlannedStep(spec, hidden, branches, [planned.name])
        for upstream in branches:
            before = steps[upstream]
            steps[upstream] = replace(before, next=[name if after == planned.name else after for after in before.next])
        return replace(planned, after=[name] if branch is None else [name if one == branch else one for one in planned.after])

    for name, planned in plan.steps.items():
        step = planned.step
        chosen = [upstream for upstream in planned.after if upstream in plan.routers]
        if isinstance(step, GeneratorTask):
            planned = put_before(planned, Seeds.of(step, name + ROWS_OF))
        elif isinstance(step, GlobalStep) and not step.matches_branches:
            for upstream in chosen:
                planned = put_before(planned, CombineOutputs(name=f"{name}{ROWS_OF}.{upstream}"), upstream)
        elif isinstance(step, GlobalStep) and (len(planned.after) > 1 or chosen):
            planned = put_before(planned, CombineOutputs(name=name + ROWS_OF))
        if isinstance(step, GlobalTask):
            planned = put_before(planned, PreparedRows.of(step, name + ALL_OF))
        steps[name] = planned
    return replace(plan, steps=steps)


def _goes_on(last: PlannedStep, planned: PlannedStep) -> bool:
    """Whether a step can work in the stage that `last` ends."""
    return (
        len(last.next) == 1
        and last.pool == planned.pool == "process"
        and not (planned.asks or isinstance(planned.step, (GlobalStep, JoinStep)))
        and not (last.asks or isinstance(last.step, GlobalStep))
        and last.step.resources == planned.step.resources
        and planned.step.resources.replicas == 1
    )


def _set_depth(stage: Stage, stages: dict[str, Stage]) -> None:
    if stage.begins:
        stage.depth = 1 + stage.adds_depth()
    elif not stage.is_join:
        stage.depth = stages[stage.upstream[0]].depth + stage.adds_depth()
    else:
        base = fork_depth(stage, stages)
        stage.depth = base + sum(stages[name].depth - base for name in stage.upstream) + stage.adds_depth()


def source_of(stage: Stage, stages: dict[str, Stage]) -> Stage:
    """Where the rows of a stage begin; where those of several sources were matched, the first of these."""
    return stages[first_before(stage.name, lambda name: stages[name].upstream)]


def fork_of(stage: Stage, stages: dict[str, Stage]) -> str | None:
    """The last stage that every row of every branch of a join has passed: what its branches are matched by.

    None where the branches begin in different sources: they are matched by the position of their rows there.
    """
    passed = _passed_by_all(stages)
    common = frozenset.intersection(*(passed[name] for name in stage.upstream))
    return next((name for name in reversed(list(stages)) if name in common), None)


def _passed_by_all(stages: dict[str, Stage]) -> dict[str, frozenset[str]]:
    """For each stage those that no row gets around on its way there, itself included (its dominators)."""
    passed: dict[str, frozenset[str]] = {}
    for name, stage in stages.items():
        before = [passed[upstream] for upstream in stage.upstream]
        passed[name] = (frozenset.intersection(*before) if before else frozenset()) | {name}
    return passed


def fork_depth(stage: Stage, stages: dict[str, Stage]) -> int:
    """Places of an id by which the branches of a join are matched."""
    fork = fork_of(stage, stages)
    return stages[fork].depth if fork is not None else 1


def stages_before(stage: Stage, stages: dict[str, Stage]) -> list[str]:
    """All stages whose rows reach this one."""
    return reached(stage.upstream, lambda name: stages[name].upstream)


def branches_of(join: Stage, stages: dict[str, Stage]) -> set[str]:
    """Stages between the fork of a join and the join: rows in them are still to be matched."""
    fork = fork_of(join, stages)
    outside = {fork, *stages_before(stages[fork], stages)} if fork is not None else set()
    return set(stages_before(join, stages)) - outside
