"""From the words of a spec to steps and routers; what does not fit becomes a problem in the user's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.plan.graph import Graph
from flows.plan.planned import PlannedStep, Problems, batch_size_field
from flows.plan.stand_ins import StandIn, stand_in
from flows.spec import RouterSpec, StepSpec
from steps import registry
from steps.base import BaseStep
from steps.errors import Complaint
from steps.llms.base import Responder
from steps.misfits import misfits
from steps.mistakes import mistakes
from steps.models import Model, models_in
from steps.tasks.base import Task
from steps.wiring import Router
from steps.wording import did_you_mean, quoted


class Making:
    """Makes steps and routers."""

    def __init__(self, problems: Problems, *, is_replay: bool = False) -> None:
        """`is_replay`: no model will be reached; steps that ask one need no place of their own."""
        self._problems = problems
        self._is_replay = is_replay
        self.classes: dict[str, type[BaseStep]] = {}
        """Of the steps whose class is known, whether or not they could be made."""
        self.stand_ins: dict[str, StandIn] = {}

    def step(self, spec: StepSpec, unread: Iterable[str] = ()) -> BaseStep | None:
        """The step, or None when it cannot be made."""
        try:
            found = registry.resolve(spec.use)
        except registry.UnknownComponent as error:
            self._problems.add("unknown-step", error.message, error.fix, spec.name)
            if isinstance(llm := spec.params.get("llm"), dict) and "with" not in unread:  # what it asks is known all the same
                self._make(Task, {"llm": llm}, spec)
            return None
        if not issubclass(found, BaseStep):
            self._problems.add(
                "unknown-step", f"{spec.use!r} is not a step", "`distilflow steps` lists what there is", spec.name
            )
            return None
        self.classes.setdefault(spec.name, found)
        for what, fix in misfits(found):
            self._problems.add("bad-class", f"{spec.use} cannot work as it is written: {what}", fix, spec.name)
        given: dict[str, Any] = {**self._own(spec, found), **self._placement(spec, found)}
        for key in ("input_mappings", "output_mappings"):
            if key in spec.params and not given.get(key):  # in the wrong place, which was said: what it means is known
                given[key] = spec.params[key]
        return None if "with" in unread else self._make(found, given, spec)

    def _make(self, found: type[BaseStep], given: Mapping[str, Any], spec: StepSpec) -> BaseStep | None:
        step: BaseStep | None = None
        with self.their_code(spec.name):
            try:
                step = found.model_validate(given)
            except ValidationError as error:
                for code, what, fix in mistakes(error, found, spec.use, spec.params):
                    self._problems.add(code, what, fix, spec.name)
                if found is self.classes.get(spec.name):
                    self._add_stand_in(found, given, error, spec)
        if step is not None:
            self._check(step, spec)
        return step

    def _add_stand_in(self, found: type[BaseStep], given: Mapping[str, Any], error: ValidationError, spec: StepSpec) -> None:
        if (made := stand_in(found, given, error)) is None:
            return
        self.stand_ins[spec.name] = made
        for what, fix in literal_keys(made.step):
            self._problems.add("secret-in-pipeline", what, fix, spec.name)
        for name in made.models:
            self._check_model(name, getattr(made.step, name), spec)

    def _placement(self, spec: StepSpec, found: type[BaseStep]) -> dict[str, Any]:
        placement = spec.model_dump(include={"input_mappings", "output_mappings", "pool", "resources"}, exclude_none=True)
        if spec.batch_size is not None:
            if size_field := batch_size_field(found):
                placement[size_field] = spec.batch_size
            else:
                what = f"{spec.use} takes rows as they come, so it has no `batch_size`"
                self._problems.add("bad-parameter", what, "remove `batch_size`", spec.name)
        if self._is_replay and issubclass(found, Task):
            placement = {key: value for key, value in placement.items() if key != "resources"} | {"pool": "async"}
        return {"name": spec.name, **placement}

    def _own(self, spec: StepSpec, found: type[BaseStep]) -> dict[str, Any]:
        for key in spec.params:
            if key in found.PLACEMENT:
                beside = "batch_size" if key == "input_batch_size" else key
                fix = f"write `{beside}:` beside `use:`"
                self._problems.add("bad-parameter", f"`{key}` stands under `with`", fix, spec.name)
        return {key: value for key, value in spec.params.items() if key not in found.PLACEMENT}

    def _check(self, step: BaseStep, spec: StepSpec) -> None:
        fix = f"change it under `with`; `distilflow steps {spec.use}` says what it takes"
        with self.their_code(spec.name):
            for complaint in step.check():
                self._problems.add("bad-parameter", *_parted(complaint, fix), spec.name)
        for what, fix in literal_keys(step):
            self._problems.add("secret-in-pipeline", what, fix, spec.name)
        for path, model in models_in(step):
            self._check_model(path, model, spec)

    def _check_model(self, name: str, model: Model, spec: StepSpec) -> None:
        """`name`: the parameter that holds it, or the way there: `judges.0.llm`."""
        if self._is_replay and isinstance(model, Responder) and not model.is_free:
            return
        with self.their_code(spec.name):
            for complaint in model.problems():
                what, fix = _parted(complaint, f"correct it under `with`, `{name}`")
                fix = f"{fix}; or rehearse for free: --rehearse, in Python run(rehearse=True)"
                what = f"`{name}`: {what}" if "." in name else what  # one of several
                self._problems.add("model-not-ready", what, fix, spec.name)

    def router(self, name: str, spec: RouterSpec, graph: Graph) -> Router | None:
        """The router after a step, or None when it cannot be made."""
        following = graph.next.get(name, [])
        where = name if name in graph.specs else None
        if where is None and name not in graph.unread:
            hint = did_you_mean(name, graph.specs)
            what = f"`routing` names step {quoted(name)}, which does not exist.{hint}"
            self._problems.add("unknown-step", what, "name the step before the choice")
        if where and len(following) < 2:
            what = f"routing needs two or more steps after it; there {f'is only {following[0]!r}' if following else 'are none'}"
            self._problems.add("bad-routing", what, f"take {name!r} out of `routing`, or let more steps come after it", where)
        router: Router | None = None
        try:
            found = registry.resolve(spec.use, "routers")
            if not issubclass(found, Router):
                raise registry.UnknownComponent(f"{spec.use!r} is not a router", "e.g. sample_n_steps")
            with self.their_code(where):
                router = found.model_validate(spec.params)
        except registry.UnknownComponent as error:
            self._problems.add("unknown-router", error.message, error.fix, where)
        except ValidationError as error:
            for _, what, fix in mistakes(error, found, spec.use, spec.params):
                self._problems.add("bad-routing", what, fix, where)
        if router is not None and where and len(following) > 1:
            with self.their_code(where):
                for sentence in router.check(following):
                    self._problems.add("bad-routing", sentence, "change the router's parameters under `with`", where)
        return router

    @contextmanager
    def their_code(self, step: str | None) -> Iterator[None]:
        """Code of a step's class may fail in any way: that is a problem of this step, not the end of planning."""
        try:
            yield
        except (ValidationError, registry.UnknownComponent):
            raise
        except Exception as error:
            what = f"its class cannot work with these parameters: {type(error).__name__}: {quoted(str(error))[1:-1]}"
            self._problems.add("bad-parameter", what, "change its parameters, or mend the class", step)


def check_makers(planned: PlannedStep, followed: Mapping[str, PlannedStep], problems: Problems) -> None:
    """Check that a step and those that made the columns it needs mean the same by them."""
    step = planned.step
    columns = {column: planned.made_by.get(step.input_mappings.get(column, column), "") for column in step.needs()}
    makers = {column: followed[name].step for column, name in columns.items() if name in followed and name != planned.name}
    for complaint in step.check_makers(makers):
        problems.add("bad-parameter", *_parted(complaint, "change the parameters of one of them"), planned.name)


def _parted(complaint: Complaint, fix: str) -> tuple[str, str]:
    """What is wrong and what to do; `fix` where the one who complains does not say."""
    return (complaint, fix) if isinstance(complaint, str) else complaint


def literal_keys(step: BaseStep) -> Iterator[tuple[str, str]]:
    """What is wrong with keys that a step or its models hold themselves, and what to do. No key is repeated.

    A dump leaves keys out: that is how they are found.
    """
    parts: list[tuple[str, BaseModel]] = [("", step), *((f"{path}.", model) for path, model in models_in(step))]
    for path, part in parts:
        dumped = part.model_dump(mode="json")
        for name, value in part:
            if name not in dumped or (isinstance(value, list) and len(dumped[name]) < len(value)):
                yield _literal_key(f"{path}{name}", f'{name}="${{NAME}}"')
            elif isinstance(value, dict) and isinstance(dumped[name], dict):
                for key in value:
                    if isinstance(key, str) and key not in dumped[name]:
                        yield _literal_key(f"{path}{name}.{key}", f'{name}={{"{key}": "${{NAME}}"}}')


def _literal_key(path: str, in_python: str) -> tuple[str, str]:
    what = f"`{path}` holds a key itself, and pipelines are saved and shared"
    return what, f"put the key into a variable of the environment, and write ${{NAME}} of it; in Python {in_python}"
