"""The flow that Prefect runs: `prefect deploy` by module path, `flows.deployments:run_pipeline`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.distiset import Distiset
from flows.engine.options import RunOptions
from flows.hub import refuse_made_up
from flows.journals import find_journals
from flows.models import with_llm
from flows.plan import plan
from flows.pools import Pools
from flows.runners.engine_client import EngineProcess
from flows.runners.prefect_pool import Mirror, StepPoolTaskRunner
from flows.runners.start import Start
from flows.runs import RunFolder, RunReport, RunStore
from flows.spec import PipelineSpec, load_spec, with_parameters
from steps.errors import DistilflowError

_started: dict[str, EngineProcess] = {}
"""Engines that the command line started while Prefect was still being imported, by run id."""


def hand_over(engine: EngineProcess) -> None:
    """Let the next flow run of this run id follow an engine that is at work already."""
    _started[engine.run_id] = engine


def _run_name() -> str:
    parameters: dict[str, Any] = flow_run.get_parameters() or {}
    return str(parameters.get("run_id") or Path(str(parameters.get("pipeline", "pipeline"))).stem)


@flow(
    name="distilflow",
    flow_run_name=_run_name,
    task_runner=StepPoolTaskRunner(Pools.detect().devices),  # type: ignore[arg-type] # its futures are a kind of PrefectFuture
    persist_result=False,
)
async def run_pipeline(
    pipeline: str = "examples/quickstart.yaml",
    parameters: dict[str, Any] | None = None,
    llm: str | None = None,
    rehearse: bool = False,
    max_rows: int | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    run_id: str | None = None,
    runs_dir: str = "runs",
    output: str | None = None,
    push: str | None = None,
    journals: list[str] | None = None,
) -> State[Any]:
    """Run a pipeline and keep its result.

    Args:
        pipeline: The pipeline file, from the folder the flow runs in.
        parameters: Parameters to replace, by path: {"judge.llm.model": "gpt-4o"}.
        llm: Ask this model in every step that asks one: "openai/gpt-4o-mini", "ollama/llama3.2".
        rehearse: Ask no model; made-up replies instead, for free.
        max_rows: Take only so many rows of the source.
        max_cost: Stop before it costs more than this, in USD, in all its sessions.
        max_tokens: Stop before it uses more tokens than this, input and output, in all its sessions.
        run_id: Name of the run's folder; the name of an earlier run goes on with it. Empty for a new one.
        runs_dir: Folder that holds all runs.
        output: Folder for the Distiset; empty for the run's own.
        push: Repository on the Hub to push the result to, owner/name.
        journals: Where replies are looked up too: runs by id or folder, or files that `distilflow journal` wrote.
    """
    try:
        engine = _started.pop(run_id or "", None)
        if engine is None:
            spec, store = configured(load_spec(pipeline), parameters, llm, rehearse=rehearse), RunStore(Path(runs_dir))
            budget = {"max_cost": max_cost, "max_tokens": max_tokens}
            asked = {"max_rows": max_rows, **budget, "output": output, "journals": find_journals(journals or (), store)}
            engine = _start(spec, store, run_id, RunOptions().changed(asked), is_pushed=bool(push))
        folder = RunFolder(Path(engine.start.folder))
        if (context := FlowRunContext.get()) is not None and context.flow_run is not None:
            folder.remember_flow_run(str(context.flow_run.id))
        report = await Mirror(engine).run()
        if push and report.state == "finished":
            await asyncio.to_thread(lambda: Distiset.load_from_disk(folder.distiset).push_to_hub(push))
    except DistilflowError as error:  # words for people; raised, it would leave as a traceback
        return Failed(message=str(error))
    return state_of(report)


def configured(
    spec: PipelineSpec, parameters: dict[str, Any] | None, llm: str | None = None, *, rehearse: bool = False
) -> PipelineSpec:
    """The pipeline with what was asked for at the start of the run.

    Raises:
        PlanError, SpecError: A parameter names a step that does not exist, or the model cannot be understood.
    """
    if rehearse or llm:
        spec = with_llm(spec, "rehearsal" if rehearse else str(llm))
    return with_parameters(spec, parameters or {})


def _start(spec: PipelineSpec, store: RunStore, run_id: str | None, options: RunOptions, *, is_pushed: bool) -> EngineProcess:
    planned = plan(spec)
    if is_pushed:
        refuse_made_up(planned)
    folder = store.new(run_id, spec.name)
    return EngineProcess(Start(spec.to_dict(), str(folder.path.resolve()), options, planned.pools.devices))


def state_of(report: RunReport) -> State[Any]:
    """How Prefect shows the end of a run."""
    rows = ", ".join(f"{count} rows in {leaf!r}" for leaf, count in report.rows.items()) or "no rows"
    if report.state == "stopped":
        return Cancelled(message=f"{report.message if report.used_up else 'stopped'}; kept {rows}")
    return Completed(message="; ".join(filter(None, (rows, report.message))))
