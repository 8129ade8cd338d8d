"""What a plan is: every step in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.plan.kinds import Kind
from flows.plan.reach import first_before, reached
from flows.pools import Pools
from flows.spec import PipelineSpec, StepSpec
from steps.base import BaseStep, GeneratorStep, GlobalStep, LoopStep
from steps.errors import Problem
from steps.llms.base import Responder
from steps.tasks.asking import AskingStep
from steps.wiring import Router

MOST_PROBLEMS = 1000


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
    kinds_received: dict[str, Kind] = field(default_factory=dict)
    kinds_sent: dict[str, Kind] = field(default_factory=dict)
    """What these columns hold, as far as it is known."""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def is_source(self) -> bool:
        return isinstance(self.step, GeneratorStep) and not self.after

    @property
    def asks(self) -> AskingStep | None:
        """The step, when it asks a model."""
        return self.step if isinstance(self.step, AskingStep) and self.step.asks else None

    @property
    def begins(self) -> bool:
        """Whether rows get their ids here: in a source, or anew in a step over all rows."""
        return self.is_source or isinstance(self.step, GlobalStep)

    @property
    def matches_branches(self) -> bool:
        """Whether it gets what several steps before it made of a row together, not the rows of one after those of another."""
        return not isinstance(self.step, GlobalStep) or self.step.matches_branches

    @property
    def repeats(self) -> LoopStep | None:
        """The step, when it sends for more rows until it has enough."""
        return self.step if isinstance(self.step, LoopStep) else None


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
    def llms(self) -> dict[str, Mapping[str, Responder]]:
        """The models that are asked, by step and by the names that the step has for them."""
        found = {name: asks.answering_models() for name, step in self.steps.items() if (asks := step.asks) is not None}
        return {name: models for name, models in found.items() if models}

    @property
    def every_llm(self) -> list[tuple[str, Responder]]:
        """The models that are asked, each with its step; one that a step has several names for counts once."""
        return [(name, llm) for name, models in self.llms.items() for llm in {id(one): one for one in models.values()}.values()]

    @property
    def made_up(self) -> list[str]:
        """Steps that make something up, since a model stands in for another: with any, this is a rehearsal."""
        return [name for name, step in self.steps.items() if step.step.makes_up]

    def before(self, name: str) -> list[str]:
        """All steps whose rows reach this one."""
        return reached(self._after(name), self._after)

    def source_of(self, name: str) -> str:
        """The source of the rows of a step; where those of several were matched, the first of these."""
        return first_before(name, self._after)

    def _after(self, name: str) -> list[str]:
        return self.steps[name].after if name in self.steps else []  # one that cannot be made has its problem already


class Problems(list[Problem]):
    """What was found so far. Nobody reads more than a thousand."""

    @property
    def is_full(self) -> bool:
        """Whether no more are taken: what takes long to look for need not be looked for."""
        return len(self) > MOST_PROBLEMS

    def add(self, code: str, what: str, fix: str, step: str | None = None) -> None:
        if len(self) < MOST_PROBLEMS:
            self.append(Problem(code, f"step {step!r}" if step else "pipeline", what, fix, step))
        elif len(self) == MOST_PROBLEMS:
            self.append(Problem("more-problems", "pipeline", "has more problems than these", "mend these first"))


def batch_size_field(step: type[BaseStep]) -> str | None:
    """The parameter that `batch_size` of a spec sets: rows made at a time, or rows taken at a time."""
    return next((name for name in ("batch_size", "input_batch_size") if name in step.model_fields), None)
