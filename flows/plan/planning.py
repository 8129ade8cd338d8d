"""Spec to checked plan: every step made, every column followed, every problem found, all at once.

Pure and fast: no network, no models, at most a look at the head of a local file.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan.batches import check_batches
from flows.plan.columns import Columns
from flows.plan.graph import Graph
from flows.plan.grouping import Sequential, grouped
from flows.plan.making import Making, check_makers
from flows.plan.placing import place
from flows.plan.planned import Plan, PlannedStep, Problems
from flows.pools import Pools
from flows.spec import PipelineSpec
from steps.base import BaseStep
from steps.errors import PlanError, Problem

Groups = Sequence[Sequence[str]] | Sequential


def plan(
    spec: PipelineSpec,
    pools: Pools | None = None,
    known: Sequence[Problem] = (),
    *,
    is_replay: bool = False,
    load_groups: Groups = (),
) -> Plan:
    """Check a pipeline and make its steps.

    `known`: problems found while the file was read; they are reported with the others. `is_replay`: no model will be
    reached, so what it would need (a key, a device) is not asked for. `load_groups`: those that the run is asked for.

    Raises:
        PlanError: `problems` holds everything that is wrong with it.
    """
    planned, problems = examine(spec, pools, is_replay=is_replay, load_groups=load_groups)
    if known or problems:
        raise PlanError(list(dict.fromkeys([*known, *problems])))
    return planned


def examine(
    spec: PipelineSpec, pools: Pools | None = None, *, is_replay: bool = False, load_groups: Groups = ()
) -> tuple[Plan, list[Problem]]:
    """What can be planned of a pipeline, and its problems: for editors, which show both.

    A mistake is reported once, where it was made: nothing is said about what only follows from it.
    """
    pools = pools or Pools.detect()
    problems = Problems()
    if not spec.steps and not spec.unread:
        problems.add("no-steps", "has no steps", "`distilflow new NAME` writes a pipeline to start from")
    graph = Graph(spec, problems)
    making = Making(problems, is_replay=is_replay)
    made: dict[str, BaseStep | None] = {}
    for one in spec.steps:
        made.setdefault(one.name, making.step(one, spec.unread.get(one.name, ())))
    followed: dict[str, PlannedStep] = {}
    for name in graph.order:
        step = made[name] or (making.stand_ins[name].step if name in making.stand_ins else None)
        if step is not None:
            followed[name] = PlannedStep(graph.specs[name], step, graph.after[name])
    steps = {name: planned for name, planned in followed.items() if made[name] is not None}
    columns = Columns(problems, spec.unread)
    for name, planned in followed.items():
        planned.next = [after for after in graph.next[name] if after in steps]
        if name in steps or planned.spec.pool:  # else its model may decide where it works
            with making.their_code(name):
                place(planned, pools, problems, spec.unread.get(name, set()))
        if name in steps and not is_replay:
            with making.their_code(name):
                check_batches(planned, problems)
        with making.their_code(name):
            sends = name in steps or making.stand_ins[name].sends
            columns.follow(planned, [followed.get(upstream) for upstream in planned.after], sends=sends)
            if name in steps and not is_replay:
                check_makers(planned, followed, problems)
    columns.suggest_sources()
    graph.check_reach(making.classes)
    graph.check_joins(followed)
    graph.check_repeats(followed)
    routers = {name: router for name, chosen in spec.routing.items() if (router := making.router(name, chosen, graph))}
    found = Plan(spec, steps, routers, pools)
    return found, [*problems, *grouped(found, load_groups)[1]]
