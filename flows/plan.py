"""Spec to checked plan: every step made, every column followed, every problem found, all at once.

Pure and fast: no network, no models, at most a look at the head of a local file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from flows.pools import Pools
from flows.spec import PipelineSpec, StepSpec, did_you_mean
from steps import registry
from steps.base import BaseStep, GeneratorStep, GlobalStep, JoinStep, rename_in, rename_out
from steps.errors import PlanError, Problem
from steps.llms.base import LLM
from steps.tasks.base import Task
from steps.wiring import Router


@dataclass(slots=True)
class PlannedStep:
    """A step in its place: what comes before and after it, where it runs, and which columns pass.

    `received` and `sent` are column names as the pipeline has them; None when a source cannot know before it runs.
    `made_by` says for each column that leaves which step made it.
    """

    spec: StepSpec
    step: BaseStep
    after: list[str]
    next: list[str] = field(default_factory=list)
    pool: str = "process"
    received: list[str] | None = None
    sent: list[str] | None = None
    made_by: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def is_source(self) -> bool:
        return isinstance(self.step, GeneratorStep)


@dataclass(slots=True)
class Plan:
    """A pipeline that can run. `steps` is in an order in which every step stands after those it needs."""

    spec: PipelineSpec
    steps: dict[str, PlannedStep]
    routers: dict[str, Router]
    pools: Pools

    @property
    def leaves(self) -> list[str]:
        """Steps after which nothing comes: each is a configuration of the Distiset."""
        return [name for name, step in self.steps.items() if not step.next]

    @property
    def sources(self) -> list[str]:
        return [name for name, step in self.steps.items() if step.is_source]

    @property
    def llms(self) -> dict[str, LLM]:
        """The models that are asked, by step."""
        return {name: step.step.llm for name, step in self.steps.items() if isinstance(step.step, Task)}


def plan(spec: PipelineSpec, pools: Pools | None = None, known: Sequence[Problem] = ()) -> Plan:
    """Check a pipeline and make its steps.

    `known`: problems found while the file was read; they are reported with the others.

    Raises:
        PlanError: `problems` holds everything that is wrong with it.
    """
    planned, problems = examine(spec, pools)
    if known or problems:
        raise PlanError([*known, *problems])
    return planned


def examine(spec: PipelineSpec, pools: Pools | None = None) -> tuple[Plan, list[Problem]]:
    """What can be planned of a pipeline, and its problems: for editors, which show both."""
    return _Planner(spec, pools or Pools.detect()).run()


class _Planner:
    def __init__(self, spec: PipelineSpec, pools: Pools) -> None:
        self.spec = spec
        self.pools = pools
        self.problems: list[Problem] = []
        self.steps: dict[str, PlannedStep] = {}

    def run(self) -> tuple[Plan, list[Problem]]:
        if not self.spec.steps:
            self._add("no-steps", "has no steps", "`distilflow new NAME` writes a pipeline to start from")
        specs = self._distinct()
        order = self._sorted(specs, self._edges(specs))
        for name in order:
            if (step := self._make(specs[name])) is not None:
                after = [upstream for upstream in specs[name].after if upstream in specs]
                self.steps[name] = PlannedStep(specs[name], step, after)
        for planned in self.steps.values():
            for upstream in planned.after:
                if upstream in self.steps:
                    self.steps[upstream].next.append(planned.name)
        self._check_reach(specs)
        for planned in self.steps.values():
            self._place(planned)
            self._follow_columns(planned)
        routers = {name: router for name in self.spec.routing if (router := self._router(name)) is not None}
        self._check_joins()
        return Plan(self.spec, self.steps, routers, self.pools), self.problems

    # ---- graph
    def _distinct(self) -> dict[str, StepSpec]:
        specs: dict[str, StepSpec] = {}
        for step in self.spec.steps:
            if step.name in specs:
                self._add(
                    "duplicate-step", f"the name {step.name!r} is taken by an earlier step", "give it another name", step.name
                )
            else:
                specs[step.name] = step
        return specs

    def _edges(self, specs: dict[str, StepSpec]) -> dict[str, list[str]]:
        edges: dict[str, list[str]] = {}
        for name, step in specs.items():
            edges[name] = []
            for upstream in step.after:
                if upstream not in specs:
                    hint = did_you_mean(upstream, specs)
                    self._add(
                        "unknown-step",
                        f"comes after {upstream!r}, which does not exist.{hint}",
                        f"the steps are {', '.join(specs)}",
                        name,
                    )
                elif upstream in edges[name]:
                    self._add("duplicate-edge", f"comes after {upstream!r} twice", "name it once", name)
                else:
                    edges[name].append(upstream)
        return edges

    def _sorted(self, specs: dict[str, StepSpec], edges: dict[str, list[str]]) -> list[str]:
        waiting = {name: set(upstream) for name, upstream in edges.items()}
        order: list[str] = []
        while ready := [name for name, upstream in waiting.items() if not upstream]:
            order += ready
            for name in ready:
                del waiting[name]
            for upstream in waiting.values():
                upstream.difference_update(ready)
        if waiting:
            loop = _cycle({name: sorted(upstream) for name, upstream in waiting.items()})
            self._add(
                "cycle", f"rows would go in a circle: {' -> '.join(loop)}", f"take one of these out of `after`: {loop[0]!r}"
            )
        return order

    def _check_reach(self, specs: dict[str, StepSpec]) -> None:
        for name, planned in self.steps.items():
            if planned.is_source and specs[name].after:
                self._add("source-after-step", f"{specs[name].use} makes rows and takes none", "remove its `after`", name)
            elif not planned.is_source and not specs[name].after:
                sources = [other for other, step in self.steps.items() if step.is_source]
                self._add(
                    "unreachable-step",
                    "gets no rows: it comes after nothing",
                    f"add `after: {sources[0] if sources else '...'}`",
                    name,
                )
        if len(self.steps) == len(specs) > 0 and not any(step.is_source for step in self.steps.values()):
            self._add("no-source", "no step makes rows", "start with one such as LoadDataFromFileSystem")

    def _check_joins(self) -> None:
        """Rows of branches are matched by the row they came from, so a branch may not mix all rows and part again."""
        for planned in self.steps.values():
            if len(planned.after) < 2 or any(upstream not in self.steps for upstream in planned.after):
                continue
            for upstream in planned.after:
                common = set.intersection(*(self._ancestors(other) for other in planned.after))
                inside = (self._ancestors(upstream) - common) if common else set()
                for name in sorted(inside):
                    if isinstance(self.steps[name].step, GlobalStep):
                        self._add(
                            "cannot-join",
                            f"brings together {planned.after}, but {name!r} works on all rows at once, so its rows cannot be "
                            "matched with those of the other branches",
                            f"put {name!r} before the branches part or after they meet",
                            planned.name,
                        )

    def _ancestors(self, name: str) -> set[str]:
        found, queue = {name}, deque([name])
        while queue:
            for upstream in self.steps[queue.popleft()].after:
                if upstream in self.steps and upstream not in found:
                    found.add(upstream)
                    queue.append(upstream)
        return found

    # ---- steps
    def _make(self, spec: StepSpec) -> BaseStep | None:
        try:
            found = registry.resolve(spec.use)
        except registry.UnknownComponent as error:
            self._add("unknown-step", error.message, error.fix, spec.name)
            return None
        if not issubclass(found, BaseStep):
            self._add("unknown-step", f"{spec.use!r} is not a step", "`distilflow steps` lists what there is", spec.name)
            return None
        placement = spec.model_dump(include={"input_mappings", "output_mappings", "pool", "resources"}, exclude_none=True)
        if spec.batch_size is not None and (size_field := batch_size_field(found)):
            placement[size_field] = spec.batch_size
        own = {key: value for key, value in spec.params.items() if key not in found.PLACEMENT}
        for key in spec.params.keys() - own.keys():
            self._add("bad-parameter", f"`{key}` stands under `with`", f"write `{key}:` beside `use:`", spec.name)
        try:
            step = found.model_validate({"name": spec.name, **placement, **own})
        except ValidationError as error:
            self._add_invalid(error, found, spec)
            return None
        for sentence in step.check():
            self._add("bad-parameter", sentence, "correct it", spec.name)
        if isinstance(step, Task):
            for sentence in step.llm.problems():
                self._add("model-not-ready", sentence, "or rehearse the pipeline for free with --rehearse", spec.name)
        return step

    def _add_invalid(self, error: ValidationError, found: type[BaseStep], spec: StepSpec) -> None:
        for detail in error.errors():
            path = [str(part) for part in detail["loc"]]
            name = ".".join(path) or "parameters"
            match detail["type"]:
                case "missing":
                    described = found.model_fields.get(path[0])
                    what = f" ({described.description.rstrip('.')})" if described and described.description else ""
                    self._add(
                        "missing-parameter", f"{spec.use} needs `{name}`{what}", f"add `{name}: ...` under `with`", spec.name
                    )
                case "extra_forbidden":
                    known = sorted(found.model_fields.keys() - found.PLACEMENT)
                    hint = did_you_mean(path[-1], known) if len(path) == 1 else ""
                    fix = f"known: {', '.join(known)}" if len(path) == 1 else "remove it"
                    self._add("unknown-parameter", f"{spec.use} has no parameter `{name}`.{hint}", fix, spec.name)
                case _:
                    said = detail["msg"].removeprefix("Value error, ")
                    is_secret = isinstance(detail["input"], dict) or any(word in name for word in ("key", "token", "headers"))
                    seen = "" if is_secret else f"; seen {_short(detail['input'])}"
                    self._add(
                        "bad-parameter", f"`{name}`: {said}{seen}", f"`distilflow steps {spec.use}` describes it", spec.name
                    )

    def _place(self, planned: PlannedStep) -> None:
        step, name = planned.step, planned.name
        planned.pool = step.pool or step.preferred_pool()
        if planned.pool not in self.pools.names():
            hint = did_you_mean(planned.pool, self.pools.names())
            self._add(
                "unknown-pool", f"there is no pool {planned.pool!r}.{hint}", f"pools: {', '.join(self.pools.names())}", name
            )
            return
        if planned.pool == "async" and not isinstance(step, Task):
            self._add("wrong-pool", f"{planned.spec.use} does not wait for a server", "use the pool process", name)
        if step.resources.replicas > 1 and isinstance(step, (GeneratorStep, GlobalStep)):
            kind = "makes all rows" if planned.is_source else "needs all rows at once"
            self._add("no-such-resources", f"{step.resources.replicas} replicas, but it {kind}", "remove `replicas`", name)
        for shortage in self.pools.shortages(planned.pool, step.resources):
            self._add("no-such-resources", shortage, "ask for less, or run on a larger machine", name)

    def _router(self, name: str) -> Router | None:
        spec = self.spec.routing[name]
        where = name if name in self.steps else None
        if name not in {step.name for step in self.spec.steps}:
            hint = did_you_mean(name, self.spec.names())
            self._add(
                "unknown-step", f"`routing` names step {name!r}, which does not exist.{hint}", "name the step before the choice"
            )
        elif where and len(self.steps[name].next) < 2:
            self._add("bad-routing", f"routing needs two or more steps after it; there are {self.steps[name].next}", "", where)
        try:
            found: type[Router] = registry.resolve(spec.use, "routers")
            router = found.model_validate(spec.params)
            if where and len(self.steps[name].next) > 1:
                for sentence in router.check(self.steps[name].next):
                    self._add("bad-routing", sentence, "correct it", where)
            return router
        except registry.UnknownComponent as error:
            self._add("unknown-router", error.message, error.fix, where)
        except ValidationError as error:
            for detail in error.errors():
                self._add(
                    "bad-routing", f"{spec.use}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}", "correct it", where
                )
        return None

    # ---- columns
    def _follow_columns(self, planned: PlannedStep) -> None:
        step, upstream = planned.step, [self.steps.get(name) for name in planned.after]
        incoming = [before.sent if before else None for before in upstream]
        if not planned.is_source and (not incoming or any(columns is None for columns in incoming)):
            return
        received = [columns for columns in incoming if columns is not None]
        for before in upstream:
            planned.made_by.update(before.made_by if before else {})
        planned.received = list(dict.fromkeys(column for columns in received for column in columns))
        if isinstance(step, GeneratorStep):
            columns = step.columns()
            if columns is None:
                return
            own, sent = [], columns
        else:
            own = list(rename_in(dict.fromkeys(planned.received), step.input_mappings))
            missing = [column for column in step.needs() if column not in own]
            for column in missing:
                self._add_missing(column, planned)
            if isinstance(step, JoinStep):
                renamed = [list(rename_in(dict.fromkeys(columns), step.input_mappings)) for columns in received]
                sent = step.columns_joined(renamed)
            else:
                sent = step.columns_after([*own, *missing])
        before_names = dict.fromkeys(planned.received)
        planned.sent = list(rename_out(dict.fromkeys(sent), before_names, step.input_mappings, step.output_mappings))
        made = {step.output_mappings.get(column, step.input_mappings.get(column, column)) for column in step.makes()}
        planned.made_by = {c: planned.name if c in made else planned.made_by.get(c, planned.name) for c in planned.sent}

    def _add_missing(self, column: str, planned: PlannedStep) -> None:
        wanted = planned.step.input_mappings.get(column, column)
        received = planned.received or []
        arrives = ", ".join(f"{name!r} (from {planned.made_by.get(name, '?')})" for name in received) or "no columns"
        hint = did_you_mean(wanted, received)
        makers = [name for name in _makers(wanted) if name != planned.spec.use]
        near = hint.removeprefix(" Did you mean ").rstrip("?") if hint else "'...'"
        fix = f"map it with input_mappings: {{{column}: {near}}}".replace("'", "")
        if makers:
            fix += f", or add a {makers[0]} step before it"
        self._add("missing-column", f"needs column {wanted!r}; it receives {arrives}.{hint}", fix, planned.name)

    def _add(self, code: str, what: str, fix: str = "", step: str | None = None) -> None:
        self.problems.append(Problem(code, f"step {step!r}" if step else "pipeline", what, fix, step))


def batch_size_field(step: type[BaseStep]) -> str | None:
    """The parameter that `batch_size` of a spec sets: rows made at a time, or rows taken at a time."""
    return next((name for name in ("batch_size", "input_batch_size") if name in step.model_fields), None)


def _makers(column: str) -> Iterable[str]:
    for name in registry.names("steps"):
        try:
            if column in registry.resolve(name).outputs:  # type: ignore[attr-defined]
                yield name
        except (registry.UnknownComponent, AttributeError):
            continue


def _cycle(upstream: dict[str, list[str]]) -> list[str]:
    """One circle in a graph in which every node still waits for another."""
    path = [next(iter(upstream))]
    while True:
        step = next(name for name in upstream[path[-1]] if name in upstream)
        if step in path:
            return [step, *reversed(path[path.index(step) :])]
        path.append(step)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
