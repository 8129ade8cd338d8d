"""The shape of a pipeline: which step comes after which, in which order, and whether rows can reach and find each other."""

from __future__ import annotations

from collections.abc import Mapping

from flows.plan.planned import PlannedStep, Problems
from flows.plan.reach import reached
from flows.spec import PipelineSpec, StepSpec
from steps.base import BaseStep, GeneratorStep, GlobalStep
from steps.wording import did_you_mean, listed


class Graph:
    """The steps of a spec by name, with the edges that exist.

    `order` has the steps that stand in no circle, each after those it needs.
    """

    def __init__(self, spec: PipelineSpec, problems: Problems) -> None:
        self._problems = problems
        self.unread = spec.unread
        self.specs: dict[str, StepSpec] = {}
        for step in spec.steps:
            if step.name in self.specs:
                what = f"the name {step.name!r} is taken by an earlier step"
                problems.add("duplicate-step", what, "give it another name", step.name)
            self.specs.setdefault(step.name, step)
        self.after = {name: self._upstream(step) for name, step in self.specs.items()}
        self.next: dict[str, list[str]] = {name: [] for name in self.specs}
        for name, upstream in self.after.items():
            for other in upstream:
                self.next[other].append(name)
        self.order = self._sorted()

    def _upstream(self, step: StepSpec) -> list[str]:
        found: dict[str, None] = {}
        for name in step.after:
            if name in found:
                self._problems.add("duplicate-edge", f"comes after {name!r} twice", "name it once", step.name)
            elif name in self.specs:
                found[name] = None
            elif name not in self.unread:
                hint = did_you_mean(name, self.specs)
                fix = f"the steps are {listed(self.specs)}"
                self._problems.add("unknown-step", f"comes after {name!r}, which does not exist.{hint}", fix, step.name)
        return list(found)

    def _sorted(self) -> list[str]:
        """Layer by layer, each in the order of the file."""
        place = {name: at for at, name in enumerate(self.specs)}
        missing = {name: len(upstream) for name, upstream in self.after.items()}
        waiting = dict.fromkeys(self.specs)
        order: list[str] = []
        layer = [name for name, count in missing.items() if count == 0]
        while waiting:
            if in_circle := [] if layer else self._circle(waiting):
                self._report(in_circle)
            order += layer
            done, layer = layer or in_circle, []
            for name in done:
                del waiting[name]
            for name in done:
                for after in self.next[name]:
                    missing[after] -= 1
                    if missing[after] == 0 and after in waiting:
                        layer.append(after)
            layer.sort(key=place.__getitem__)
        return order

    def _circle(self, waiting: Mapping[str, None]) -> list[str]:
        """A circle among steps each of which still waits for another, in the direction of the rows."""
        path: dict[str, None] = {}
        name = next(iter(waiting))
        while name not in path:
            path[name] = None
            name = next(upstream for upstream in self.after[name] if upstream in waiting)
        steps = list(path)
        return steps[steps.index(name) :][::-1]

    def _report(self, circle: list[str]) -> None:
        last, first = circle[-1], circle[0]
        names = [repr(name) for name in (last, *circle)]
        path = " -> ".join(names if len(names) <= 12 else [*names[:6], "...", *names[-5:]])
        self._problems.add("cycle", f"its rows would go in a circle: {path}", f"take {last!r} out of its `after`", first)

    def check_reach(self, classes: Mapping[str, type[BaseStep]]) -> None:
        """Every step but the sources comes after another one, and there is a source. `classes`: those that are known."""
        sources = dict.fromkeys(name for name, found in classes.items() if issubclass(found, GeneratorStep))
        starts = [name for name in classes if not self.specs[name].after and "after" not in self.unread.get(name, ())]
        if not sources and starts and len(classes) == len(self.specs):
            fix = "start with one such as LoadDataFromFileSystem, and name it in `after` of the next step"
            self._problems.add("no-source", "no step makes rows", fix)
            return
        for name in sources:
            if self.specs[name].after:
                use = self.specs[name].use
                self._problems.add("source-after-step", f"{use} makes rows and takes none", "remove its `after`", name)
        for name in starts:
            if name not in sources:
                fix = f"add `after: {next(iter(sources), '...')}`"
                self._problems.add("unreachable-step", "gets no rows: it comes after nothing", fix, name)

    def check_joins(self, steps: Mapping[str, PlannedStep]) -> None:
        """Rows of branches are matched by the row they came from, or by their position where that is in different sources.

        Rows start in a source, and anew in a step that takes all of them; one that takes branch after branch matches nothing.
        None: unknown, or reported already.
        """
        start: dict[str, frozenset[str] | None] = {}
        for name, planned in steps.items():
            starts = {start.get(upstream) for upstream in self.after[name]}
            known = {one for one in starts if one is not None}
            begin = frozenset[str]().union(*known)
            can_join = len(known) <= 1 or all(steps[one].is_source for one in begin) or not planned.matches_branches
            is_known = None not in starts and not planned.is_source and "after" not in self.unread.get(name, ())
            if is_known and not can_join and not self._problems.is_full:
                self._report_join(name, steps, start)
            if planned.is_source or (isinstance(planned.step, GlobalStep) and can_join and is_known):
                start[name] = frozenset({name})
            else:
                start[name] = begin if can_join and is_known else None

    def check_repeats(self, steps: Mapping[str, PlannedStep]) -> None:
        """A source is repeated for one step only, and no step between needs all rows: there is always one more round."""
        repeated: dict[str, str] = {}
        for name, planned in steps.items():
            if planned.repeats is None or self._problems.is_full:
                continue
            before = reached(self.after[name], self.after.__getitem__)
            sources = [other for other in before if other in steps and steps[other].is_source]
            if len(sources) > 1:
                what = f"repeats one source, but its rows come of several: {listed(map(repr, sources))}"
                self._problems.add("cannot-repeat", what, "let its branches start from one source", name)
            for other in before:
                if other in steps and isinstance(steps[other].step, GlobalStep):
                    what = f"repeats the steps before it, but {other!r} works on all rows at once"
                    self._problems.add("cannot-repeat", what, f"put {other!r} after {name!r}", name)
                elif other in steps and steps[other].is_source and repeated.setdefault(other, name) != name:
                    what = f"repeats {other!r}, which {repeated[other]!r} repeats already"
                    self._problems.add("cannot-repeat", what, "keep one of them, or give each a source of its own", name)

    def _report_join(self, name: str, steps: Mapping[str, PlannedStep], start: Mapping[str, frozenset[str] | None]) -> None:
        branches = self.after[name]
        before = [self._starts_before(branch, start) for branch in branches]
        for culprit in dict.fromkeys(one for branch in branches for one in sorted(start[branch] or ())):
            if self._problems.is_full:
                return
            if isinstance(steps[culprit].step, GlobalStep) and not all(culprit in found for found in before):
                self._problems.add(
                    "cannot-join",
                    f"brings together {listed(map(repr, branches))}, but {culprit!r} works on all rows at once, so its rows "
                    "cannot be matched with those of the other branches",
                    f"put {culprit!r} before the branches part or after they meet",
                    name,
                )

    def _starts_before(self, branch: str, start: Mapping[str, frozenset[str] | None]) -> list[str]:
        """Where the rows of a branch started, and where those started that they were made of."""
        return reached(
            start[branch] or (), lambda at: [one for upstream in self.after[at] for one in start.get(upstream) or ()]
        )
