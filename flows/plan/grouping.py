"""Steps that work one group after the other, because they do not fit beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from flows.plan.planned import Plan, Problems
from flows.plan.sharing import devices_of, shares
from steps.errors import PlanError, Problem
from steps.wording import did_you_mean, listed

Sequential = Literal["sequential_step_execution"]
SEQUENTIAL: Sequential = "sequential_step_execution"
LoadGroups = tuple[tuple[str, ...], ...]


def load_groups(plan: Plan, asked: Sequence[Sequence[str]] | Sequential = ()) -> LoadGroups:
    """The groups of steps that work one after the other; steps in none work beside all of them.

    Those that are `asked` for; else, where the devices of this machine do not do for all steps together, those that make do.

    Raises:
        PlanError: A group names a step that is not there, or one twice, or would wait for itself.
    """
    groups, problems = grouped(plan, asked)
    if asked and problems:
        raise PlanError(problems)
    return groups


def grouped(plan: Plan, asked: Sequence[Sequence[str]] | Sequential = ()) -> tuple[LoadGroups, list[Problem]]:
    """The groups of steps that work one after the other, as `load_groups` has them, and what is wrong with them."""
    if not asked:
        groups = by_devices(plan)
        return groups, list(waits_for_itself(plan, groups))
    groups = _one_by_one(plan) if asked == SEQUENTIAL else tuple(tuple(group) for group in asked if group)
    return groups, [*_unknown(plan, groups), *waits_for_itself(plan, groups), *_too_large(plan, groups)]


def by_devices(plan: Plan) -> LoadGroups:
    """Groups whose steps have devices enough; none where those of all steps together do."""
    present = len(plan.pools.devices)
    if devices_of(plan, list(plan.steps)) <= present:
        return ()
    groups: list[list[str]] = []
    for name, one in plan.steps.items():
        if not plan.pools.devices_wanted(one.pool, one.step.resources):
            continue
        if not groups or devices_of(plan, [*groups[-1], name]) > present:
            groups.append([])
        groups[-1].append(name)
    return tuple(map(tuple, groups))


def _one_by_one(plan: Plan) -> LoadGroups:
    """Each step alone, but for those that go on only together: steps that are repeated, and sources that are matched."""
    together = _merged([*_repeated(plan), *_matched(plan)])
    group_of: dict[str, list[str]] = {}
    groups: list[list[str]] = []
    for name in plan.steps:
        if name not in group_of:
            groups.append([])
            mine = {name}.union(*(one for one in together if name in one))
            group_of |= dict.fromkeys(mine, groups[-1])
        group_of[name].append(name)
    return tuple(map(tuple, groups))


def _repeated(plan: Plan) -> list[set[str]]:
    """The steps before each that repeats them: its source goes on when they are done with what it gave."""
    return [set(plan.before(name)) for name, one in plan.steps.items() if one.repeats is not None]


def _matched(plan: Plan) -> list[set[str]]:
    """Sources whose rows are matched: none of them goes far ahead of the others."""
    return _merged(begins for begins in _begins(plan).values() if len(begins) > 1)


def _merged(sets: Iterable[set[str]]) -> list[set[str]]:
    """The sets, those that share something as one."""
    found: list[set[str]] = []
    for one in sets:
        mine = one.union(*(other for other in found if other & one))
        found = [*(other for other in found if not other & one), mine]
    return found


def _begins(plan: Plan) -> dict[str, set[str]]:
    """Where the rows of each step begin: in which sources, or anew in which step over all rows."""
    begins: dict[str, set[str]] = {}
    for name, planned in plan.steps.items():
        begins[name] = {name} if planned.begins else set[str]().union(*(begins.get(upstream, ()) for upstream in planned.after))
    return begins


def _unknown(plan: Plan, groups: LoadGroups) -> Problems:
    problems, seen, known = Problems(), set[str](), plan.spec.names()
    for name in (name for group in groups for name in group):
        if name not in known:
            what = f"a load group names {name!r}, which does not exist.{did_you_mean(name, known)}"
            problems.add("unknown-step", what, f"the steps are {listed(known)}")
        elif name in seen:
            problems.add("bad-load-group", f"{name!r} is in a load group already", "name it once")
        seen.add(name)
    return problems


def _too_large(plan: Plan, groups: LoadGroups) -> Problems:
    """The groups for which the devices do not do, beside the steps in no group."""
    problems = Problems()
    always = [name for name in plan.steps if not any(name in group for group in groups)]
    for group in groups or ((),):
        at_once = [name for name in (*group, *always) if name in plan.steps]
        asking = {name: count for name, count in shares(plan, at_once).items() if count}
        if sum(asking.values()) > len(plan.pools.devices):
            parts = listed(f"{name!r} {count}" for name, count in asking.items())
            what = f"steps that work at the same time ask for {sum(asking.values())} GPUs ({parts}); there are"
            problems.add("bad-load-group", f"{what} {len(plan.pools.devices)}", "put them into groups of their own")
    return problems


def waits_for_itself(plan: Plan, groups: LoadGroups) -> Problems:
    """What is wrong with the order of the groups: a step waits for rows or an end that come of a later group."""
    problems = Problems()
    turn = {name: number for number, group in enumerate(groups) for name in group}
    if not turn:
        return problems
    latest: dict[str, tuple[int, str]] = {}
    """The latest group among the steps before each, and a step of it."""
    told: set[str] = set()
    for name, planned in plan.steps.items():
        before = max((latest[upstream] for upstream in planned.after if upstream in latest), default=(-1, ""))
        mine = turn.get(name, -1)
        if 0 <= mine < before[0]:
            what = f"{name!r} needs the rows of {before[1]!r}, which is in a later load group"
            problems.add("bad-load-group", what, f"put {before[1]!r} into the same group or an earlier one")
        latest[name] = max(before, (mine, name))
        if planned.repeats is not None:
            inside = plan.before(name)
            through = {turn[one]: one for one in inside if one in turn}
            if len(through) > 1:
                what = f"repeats the steps before it, which work in {len(through)} groups one after the other"
                problems.add("cannot-repeat", what, f"let {listed(map(repr, through.values()))} work at the same time", name)
                told.update(inside)
    sources = _sources(plan)
    for together in _merged([*_repeated(plan), *_matched(plan)]):
        last = max(together, key=lambda name: turn.get(name, -1))
        for name in plan.steps:
            if 0 <= turn.get(name, -1) < turn.get(last, -1) and name not in told and (source := sources[name] & together):
                what = (
                    f"{name!r} needs the last row of {min(source)!r}, which goes on beside {last!r} only, in a later load group"
                )
                problems.add("bad-load-group", what, f"put {last!r} into the same group or an earlier one")
    return problems


def _sources(plan: Plan) -> dict[str, set[str]]:
    """The sources before each step, also those before a step over all rows; a source is its own."""
    found: dict[str, set[str]] = {}
    for name, planned in plan.steps.items():
        found[name] = {name} if planned.is_source else set[str]().union(*(found.get(one, ()) for one in planned.after))
    return found
