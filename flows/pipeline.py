"""Pipelines written in Python: `with Pipeline("name") as p: load >> [a, b] >> group`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Token
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Never, Self

from pydantic import ValidationError

from flows.elsewhere import OF_PICTURES, Elsewhere, refuse_unknown
from flows.models import with_llm
from flows.plan import Groups, Plan, batch_size_field, examine
from flows.plan.grouping import Sequential
from flows.plan.making import literal_keys
from flows.spec import CanvasSpec, PipelineSpec, RouterSpec, StepSpec, load_spec, with_parameters
from flows.spec.parameters import settable
from flows.spec.reading import misfit
from flows.uncaught import tell_in_words
from steps import registry
from steps.base import BaseStep
from steps.errors import PlanError, Problem
from steps.mistakes import remedy
from steps.wiring import OpenPipeline, Router, open_pipeline
from steps.wording import counted, snake_case

if TYPE_CHECKING:
    from flows.distiset import Distiset
    from flows.runs import RunFolder


def _told(error: ValidationError, step: str | None = None) -> PlanError:
    where = f"step {step!r}" if step else "pipeline"
    return PlanError([Problem("bad-value", where, misfit(detail), remedy(detail), step) for detail in error.errors()])


@contextmanager
def _closed() -> Iterator[None]:
    """No pipeline is open: inside a `with` block, the steps that a plan makes would be added to it."""
    token = open_pipeline.set(None)
    try:
        yield
    finally:
        open_pipeline.reset(token)


def _lacking(folder: RunFolder) -> Iterator[str]:
    """What the result of a run lacks, and what to do about it."""
    report = folder.report()
    if report.used_up:
        go_on = f"go on with run(run_id={folder.run_id!r}, {report.used_up}=...) and a higher one"
        yield f"the result is a part of the rows: {report.message}; {go_on}"
    for shortfall in report.shortfalls:
        yield f"the result has fewer rows: {shortfall}; {shortfall.fix}"
    if report.quarantined and (first := next(folder.quarantined(), None)) is not None:
        from flows.runs import command

        look = f"see all with `{command('show', folder.run_id, runs_dir=folder.path.parent)}`"
        yield _failed(report.quarantined, first["step"], first["code"], first["message"], look)


def _failed(rows: int, step: str, code: str, message: str, fix: str) -> str:
    are = "is not in the result:" if rows == 1 else "are not in the result, the first in"
    told = f"{counted(rows, 'row')} failed and {are} step {step!r}: [{code}] {message.rstrip('.')}"
    return f"{told}; {fix}" if fix else told


class Pipeline:
    """A pipeline that is being written, or was read from a file.

    Steps made inside the `with` block belong to it; `>>` connects them. `spec` is what it amounts to.
    """

    def __init__(self, name: str = "pipeline", description: str | None = None, **unknown: Never) -> None:
        tell_in_words()
        refuse_unknown("Pipeline", unknown, {"name", "description"})
        self.name = name
        self.description = description
        self._steps: list[BaseStep] = []
        self._after: dict[int, list[BaseStep]] = {}
        self._routers: dict[int, Router] = {}
        self._canvas = CanvasSpec()
        self._read: PipelineSpec | None = None
        self._token: Token[OpenPipeline | None] | None = None

    def __enter__(self) -> Self:
        self._token = open_pipeline.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._token is not None:
            open_pipeline.reset(self._token)

    # ---- what steps call
    def add(self, step: Any) -> None:
        if not step.name:
            stem, taken = snake_case(type(step).__name__), {other.name for other in self._steps}
            step.name = next(name for at in range(len(taken) + 1) if (name := f"{stem}_{at}") not in taken)
        if ":" in registry.name_of(type(step)):  # a class of the user's own file
            registry.allow_class(type(step))
        self._steps.append(step)
        self._after[id(step)] = []

    def connect(self, source: Any, target: Any, router: Router | None = None) -> None:
        for step in (source, target):
            if id(step) not in self._after:
                raise ValueError(f"step {step.name!r} was not made inside this `with Pipeline(...)` block")
        if source not in self._after[id(target)]:
            self._after[id(target)].append(source)
        if router is not None:
            self._routers[id(source)] = router

    def draw(
        self,
        positions: Mapping[str, tuple[int, int]] | None = None,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        **unknown: Never,
    ) -> None:
        """Say how the canvas draws it; nothing that runs depends on it.

        `positions`: left and top edge of steps and groups, in pixels. `groups`: steps that are drawn as one, such as
        `{"answers": {"steps": ["a", "b"], "is_open": True}}`.

        Raises:
            PlanError: One of them is something else.
        """
        if isinstance(positions, (str, Path)) or unknown.keys() & OF_PICTURES:
            raise TypeError(
                "draw() writes no picture: `distilflow app` shows the pipeline; positions=... and groups=... say how"
            )
        refuse_unknown("draw", unknown, {"positions", "groups"})
        try:
            self._canvas = CanvasSpec.model_validate({"positions": positions or {}, "groups": groups or {}})
        except ValidationError as error:
            raise _told(error) from error
        if self._read is not None:
            self._read = self._read.model_copy(update={"canvas": self._canvas})

    # ---- as data
    @property
    def spec(self) -> PipelineSpec:
        """What it amounts to as data.

        Raises:
            PlanError: It, or one of its steps, has a name that no pipeline file can hold.
        """
        if self._read is not None:
            return self._read
        try:
            return PipelineSpec(
                name=self.name,
                description=self.description,
                steps=self._step_specs(),
                routing={
                    str(step.name): RouterSpec(use=router.name, params=router.params)
                    for step in self._steps
                    if (router := self._routers.get(id(step)))
                },
                canvas=self._canvas,
            )
        except ValidationError as error:
            raise _told(error) from error

    def _step_specs(self) -> list[StepSpec]:
        """All steps as data.

        Raises:
            PlanError: Some have a name that no pipeline file can hold; each of them is told.
        """
        specs, problems = [], []
        for step in self._steps:
            try:
                specs.append(self._step_spec(step))
            except ValidationError as error:
                problems += _told(error, str(step.name)).problems
        if problems:
            raise PlanError(problems)
        return specs

    def _step_spec(self, step: BaseStep) -> StepSpec:
        set_by_user = step.model_dump(mode="json", exclude_unset=True)
        size = batch_size_field(type(step))
        return StepSpec(
            name=str(step.name),
            use=registry.name_of(type(step)),
            after=[str(upstream.name) for upstream in self._after[id(step)]],
            params={key: value for key, value in set_by_user.items() if key not in step.PLACEMENT},
            input_mappings=step.input_mappings,
            output_mappings=step.output_mappings,
            pool=step.pool,
            batch_size=set_by_user.get(size) if size else None,
            resources=step.resources if "resources" in set_by_user else None,
        )

    @classmethod
    def from_spec(cls, spec: PipelineSpec) -> Self:
        pipeline = cls(spec.name, spec.description)
        pipeline._read = spec
        return pipeline

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a YAML or JSON file.

        Raises:
            SpecError, PlanError: It is no pipeline, or has keys that pipelines do not have.
        """
        tell_in_words()
        return cls.from_spec(load_spec(path))

    from_yaml = from_json = Elsewhere("Pipeline.from_file(path), which reads YAML and JSON, also distilabel's")
    dump = Elsewhere("pipeline.to_yaml() for text, pipeline.spec.to_dict() for data")

    def to_yaml(self) -> str:
        return self.spec.to_yaml()

    def save(self, path: str | Path, **unknown: Never) -> None:
        """Write the YAML file that `from_file` reads back exactly."""
        refuse_unknown("save", unknown, {"path"})
        self.spec.save(Path(path))

    def plan(self) -> Plan:
        """Check it: columns, parameters, resources.

        Raises:
            PlanError: It has problems; all of them are listed.
        """
        return self._planned({})

    def _planned(
        self,
        parameters: Mapping[str, Any],
        *,
        rehearse: bool = False,
        is_replay: bool = False,
        load_groups: Groups = (),
    ) -> Plan:
        with _closed():
            keys = self._keys_in_steps()
            spec = with_parameters(with_llm(self.spec, "rehearsal") if rehearse else self.spec, parameters)
            planned, found = examine(spec, is_replay=is_replay, load_groups=load_groups)
        keyless = {problem.step for problem in keys}  # that their key is missing only follows
        if problems := [*keys, *(one for one in found if one.code != "model-not-ready" or one.step not in keyless)]:
            raise PlanError(problems)
        return planned

    def _keys_in_steps(self) -> list[Problem]:
        """Keys that steps made in Python hold themselves: `spec` leaves them out, so that no plan of it would find them."""
        return [
            Problem("secret-in-pipeline", f"step {step.name!r}", what, fix, step.name)
            for step in self._steps
            for what, fix in literal_keys(step)
        ]

    def get_runtime_parameters_info(self) -> dict[str, list[dict[str, Any]]]:
        """What `run(parameters=...)` and `--param` may set, by step: name, whether it may be left out, and what it is.

        A parameter that holds a model has those of the model under `runtime_parameters_info`. A step that cannot be made as it
        stands is left out; `plan` says why.
        """
        with _closed():
            planned, _ = examine(self.spec)
        return {name: settable(one.step) for name, one in planned.steps.items()}

    # ---- running
    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        run_id: str | None = None,
        runs_dir: str | Path = "runs",
        max_rows: int | None = None,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        journals: Sequence[str | Path] = (),
        load_groups: Sequence[Sequence[str | BaseStep]] | Sequential = (),
        rehearse: bool = False,
        **unknown: Never,
    ) -> Distiset:
        """Run it here and return the result; the same `run_id` continues an earlier run.

        Steps work at the same time; those of `load_groups` work one group after the other, and let go of their models and
        devices in between. "sequential_step_execution": each step alone. A group lists steps, or their names.

        `rehearse`: replies are made up, and so is what other models give: no model is asked, no key is needed, nothing is paid.

        Replies are also looked up in `journals`: runs by id or folder, or files that `distilflow journal` wrote.

        `max_cost` (USD) and `max_tokens` (input and output) are budgets for all its sessions: when one is used up, the rows
        that are finished are the result.

        A `UserWarning` says what the result lacks: rows that failed, those of a used-up budget, fewer than a step wants.

        Raises:
            PlanError: It, or a load group, has problems.
            SpecError: It has a budget in USD, and nobody knows what one of its models costs; or a rehearsal would replace the
                result of a run that paid for its replies.
            NotAJournal: Something else was named as one.
            RunError: The run could not go on; what is finished is kept.
        """
        known = {"run_id", "runs_dir", "max_rows", "max_cost", "max_tokens", "journals", "load_groups", "rehearse"}
        refuse_unknown("run", unknown, known)
        asked = {"max_rows": max_rows, "max_cost": max_cost, "max_tokens": max_tokens, "load_groups": load_groups}
        return self._run(parameters, run_id, Path(runs_dir), journals, asked, rehearse=rehearse)

    def replay(
        self,
        journal: str | Path,
        parameters: Mapping[str, Any] | None = None,
        *,
        run_id: str | None = None,
        runs_dir: str | Path = "runs",
        max_rows: int | None = None,
        **unknown: Never,
    ) -> Distiset:
        """Run it again on the replies in a journal: no request, no key, no cost; returns the result.

        The journal is a run's, by id or folder, or a file that `distilflow journal` wrote. Rows whose reply is not in it go
        to the quarantine.

        Raises:
            PlanError: It has problems.
            NotAJournal: It is none.
            RunError: The run could not go on.
        """
        refuse_unknown("replay", unknown, {"run_id", "runs_dir", "max_rows"})
        return self._run(parameters, run_id, Path(runs_dir), [journal], {"max_rows": max_rows, "is_replay": True})

    def _run(
        self,
        parameters: Mapping[str, Any] | None,
        run_id: str | None,
        runs_dir: Path,
        journals: Sequence[str | Path],
        asked: dict[str, Any],
        *,
        rehearse: bool = False,
    ) -> Distiset:
        from flows.distiset import Distiset
        from flows.engine.inside import refuse_another_run
        from flows.engine.options import RunOptions
        from flows.journals import find_journals
        from flows.runners.inline import run_inline
        from flows.runs import RunStore

        refuse_another_run()
        try:
            options = RunOptions(**asked, journals=find_journals(journals, RunStore(runs_dir)))
        except ValidationError as error:
            raise _told(error) from error
        planned = self._planned(
            parameters or {}, rehearse=rehearse, is_replay=options.is_replay, load_groups=options.load_groups
        )
        if rehearse and run_id:
            RunStore(runs_dir).new(run_id, planned.spec.name).refuse_rehearsal()
        folder = run_inline(planned, runs_dir, run_id=run_id, options=options)
        for text in _lacking(folder):
            warnings.warn(text, UserWarning, stacklevel=3)
        return Distiset.load_from_disk(folder.distiset)

    def dry_run(
        self,
        parameters: Mapping[str, Any] | None = None,
        batch_size: int = 1,
        *,
        runs_dir: str | Path = "runs",
        rehearse: bool = False,
        **unknown: Never,
    ) -> list[dict[str, Any]]:
        """Run it on the first rows and return what leaves the first leaf.

        Nothing is kept but replies that cost something: runs of the same runs folder do not pay for them again. Of rows that
        fail, a `UserWarning` tells how many and why the first did. `rehearse`: no model is asked; replies are made up.
        """
        refuse_unknown("dry_run", unknown, {"batch_size", "runs_dir", "rehearse"})
        from flows.engine.inside import refuse_another_run
        from flows.runners.inline import preview

        refuse_another_run()
        result = preview(self._planned(parameters or {}, rehearse=rehearse), batch_size, runs_dir=Path(runs_dir))
        if result.failures:
            first = result.failures[0]
            warnings.warn(
                _failed(len(result.failures), first.step, first.code, first.message, first.fix), UserWarning, stacklevel=2
            )
        return result.rows[result.plan.leaves[0]]
