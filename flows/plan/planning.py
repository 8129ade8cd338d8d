"""Spec to checked plan: every step made, every column followed, every problem found, all at once.

Pure and fast: no network, no models, at most a look at the head of a local file.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan.columns import Columns
from flows.plan.graph import Graph
from flows.plan.grouping import by_devices, waits_for_itself
from flows.plan.making import Making
from flows.plan.placing import place
from flows.plan.planned import Plan, PlannedStep, Problems
from flows.pools import Pools
from flows.spec import PipelineSpec
from steps.base import BaseStep
from steps.errors import PlanError, Problem


def plan(spec: PipelineSpec, pools: Pools | None = None, known: Sequence[Problem] = (), *, is_replay: bool = False) -> Plan:
    """Check a pipeline and make its steps.

    `known`: problems found while the file was read; they are reported with the others. `is_replay`: no model will be
    reached, so what it would need (a key, a device) is not asked for.

    Raises:
        PlanError: `problems` holds everything that is wrong with it.
    """
    planned, problems = examine(spec, pools, is_replay=is_replay)
    if known or problems:
        raise PlanError(list(dict.fromkeys([*known, *problems])))
    return planned


def examine(spec: PipelineSpec, pools: Pools | None = None, *, is_replay: bool = False) -> tuple[Plan, list[Problem]]:
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
    steps: dict[str, PlannedStep] = {}
    for name in graph.order:
        if (step := made[name]) is not None:
            steps[name] = PlannedStep(graph.specs[name], step, graph.after[name])
    columns = Columns(problems, spec.unread)
    for name, planned in steps.items():
        planned.next = [after for after in graph.next[name] if after in steps]
        with making.their_code(name):
            place(planned, pools, problems, spec.unread.get(name, set()))
        with making.their_code(name):
            columns.follow(planned, [steps.get(upstream) for upstream in planned.after])
    columns.suggest_sources()
    graph.check_reach(making.classes)
    graph.check_joins(steps)
    graph.check_repeats(steps)
    routers = {name: router for name, chosen in spec.routing.items() if (router := making.router(name, chosen, graph))}
    found = Plan(spec, steps, routers, pools)
    problems += waits_for_itself(found, by_devices(found))
    return found, list(problems)
