"""Prefect around the engine: one flow run per run, one task run per replica of a stage.

The engine works in its own light process. A task run is a thread of the flow process that holds the replica's slot and its
devices for as long as the replica lives; rows never pass through Prefect.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, cast
from uuid import uuid4

from prefect import get_run_logger, task
from prefect.artifacts import acreate_progress_artifact, acreate_table_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectConcurrentFuture
from prefect.task_engine import run_task_sync
from prefect.task_runners import TaskRunner
from prefect.tasks import Task

from flows.engine.events import Event, Logged, Progress, RunChanged, RunState, StepProgress
from flows.runners.engine_client import EngineProcess
from flows.runs import RunReport
from steps.errors import RunError

UPDATE_S = 1.0
LAST_LOOK_S = 10.0


class StepPoolTaskRunner(TaskRunner[PrefectConcurrentFuture[Any]]):
    """Places each task run on a pool: `async` and `process` at once, `gpu` on devices of its own.

    A task says where it belongs by its parameters `pool` and `wanted` (number of devices); the devices it gets arrive in the
    parameter `devices`. Tags would do too, but each costs a request at the start of the task, up to two seconds.
    """

    def __init__(self, devices: Iterable[str] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.devices = tuple(devices)
        self._free = deque(self.devices)
        self._returned = threading.Condition()

    def duplicate(self) -> StepPoolTaskRunner:
        return type(self)(self.devices)

    def cancel_all(self) -> None:
        """Task runs end when the engine does; there is nothing to cancel here."""

    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[Any] | None = None,
        dependencies: dict[str, Any] | None = None,
    ) -> PrefectConcurrentFuture[Any]:
        wanted = int(parameters.get("wanted", 0))
        if wanted > len(self.devices):
            raise RunError(f"{parameters.get('stage')!r} asks for {wanted} GPU(s); {len(self.devices)} are there")
        run_id, future, context = uuid4(), Future[Any](), copy_context()

        def work() -> None:
            devices = self._take(wanted)
            try:
                state = context.run(
                    run_task_sync,
                    task=task,
                    task_run_id=run_id,
                    parameters={**parameters, "devices": devices},
                    wait_for=wait_for,
                    return_type="state",
                    dependencies=dependencies,
                )
                future.set_result(state)
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._give_back(devices)

        threading.Thread(target=work, daemon=True, name=task.name).start()
        return PrefectConcurrentFuture(task_run_id=run_id, wrapped_future=future)

    def _take(self, count: int) -> list[str]:
        """Devices, as soon as so many are free: a step of a load group that has ended may still be letting go of some."""
        with self._returned:
            self._returned.wait_for(lambda: len(self._free) >= count)
            return [self._free.popleft() for _ in range(count)]

    def _give_back(self, devices: list[str]) -> None:
        with self._returned:
            self._free.extend(devices)
            self._returned.notify_all()


_mirrors: dict[str, Mirror] = {}
"""Parameters of tasks are recorded by Prefect, so tasks find their run here, by its id."""


@task(name="stage", cache_policy=NO_CACHE, persist_result=False, task_run_name="{stage} {replica}")
def hold_place(run: str, stage: str, replica: int, pool: str, wanted: int, devices: list[str] | None = None) -> None:
    """Hold the place of a replica until the engine gives it back."""
    mirror = _mirrors[run]
    if devices:
        mirror.engine.grant(stage, replica, devices)
    mirror.release_of(stage, replica).wait()


class Mirror:
    """Shows in Prefect what an engine does. Lives in the flow; hears the engine in its listening thread."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._releases: dict[tuple[str, int], threading.Event] = {}
        self._tasks: list[PrefectConcurrentFuture[Any]] = []
        self._steps: dict[str, StepProgress] = {}
        self._artifacts: dict[str, Any] = {}
        self._logger = get_run_logger()
        self._state: RunState | None = None

    # ---- heard from the engine
    def event(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._steps = event.steps
        elif isinstance(event, Logged):
            self._soon(getattr(self._logger, event.level), event.message)
        elif isinstance(event, RunChanged) and event.state != self._state:  # else it waits, which is logged
            self._state = event.state
            self._soon(self._logger.info, f"run {event.state} {event.message}".strip())

    def want(self, stage: str, replica: int, pool: str, devices: int) -> None:
        self._releases[stage, replica] = threading.Event()
        self._soon(self._place, stage, replica, pool, devices)

    def gone(self, stage: str, replica: int) -> None:
        self.release_of(stage, replica).set()

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        """Do something on the flow's loop, as part of its flow run."""
        self._loop.call_soon_threadsafe(call, *arguments, context=self._context)

    def release_of(self, stage: str, replica: int) -> threading.Event:
        return self._releases[stage, replica]

    def _place(self, stage: str, replica: int, pool: str, devices: int) -> None:
        try:
            placed = hold_place.submit(self.engine.run_id, stage, replica, pool, devices)
        except RunError as error:
            self._logger.error(str(error))
            self.engine.stop()
            return
        future = cast("PrefectConcurrentFuture[Any]", placed)
        future.wrapped_future.add_done_callback(partial(self._ended, stage, replica, devices))
        self._tasks.append(future)

    def _ended(self, stage: str, replica: int, devices: int, future: Future[Any]) -> None:
        """A task run that ends before its replica does never began, or was ended by somebody: no place is held."""
        if self.release_of(stage, replica).is_set():
            return
        error = future.exception()
        what = f"the task run of {stage!r} ended: {error or future.result()}"
        if devices:  # the engine waits for them
            self._soon(self._logger.error, f"{what}; without it there are no GPUs, so the run stops")
            self.engine.stop()
        else:
            self._soon(self._logger.warning, what)

    # ---- the flow's part
    async def run(self) -> RunReport:
        """Follow the engine to its end.

        Raises:
            RunError: The run could not go on.
        """
        _mirrors[self.engine.run_id] = self
        self.engine.follow(self)
        over = asyncio.Event()
        showing = asyncio.create_task(self._show(over))
        try:
            report = await asyncio.to_thread(self.engine.wait)
        except asyncio.CancelledError:
            self.engine.stop()
            await asyncio.shield(asyncio.to_thread(self._wait_quietly))
            raise
        finally:
            for release in self._releases.values():
                release.set()
            over.set()
            _mirrors.pop(self.engine.run_id, None)
            ends = (asyncio.wrap_future(placed.wrapped_future) for placed in self._tasks)
            await asyncio.gather(*ends, return_exceptions=True)  # else they would look as if they ran for ever
            await asyncio.wait([showing], timeout=LAST_LOOK_S)  # what is half made would be missing
            showing.cancel()
        assert report is not None
        await self._show_end(report)
        return report

    def _wait_quietly(self) -> None:
        try:
            if self.engine.wait(30) is None:
                self.engine.kill()
        except RunError as error:
            self._logger.warning(str(error))

    async def _show(self, over: asyncio.Event) -> None:
        """One progress artifact per step, updated at most once a second; a run that ends before has none."""
        shown: dict[str, float] = {}
        while not await _within(over, UPDATE_S):
            for step, progress in self._steps.items():
                percent = _percent(progress)
                if step not in self._artifacts:
                    self._artifacts[step] = await acreate_progress_artifact(percent, description=step)
                elif shown.get(step) != percent:
                    await aupdate_progress_artifact(self._artifacts[step], percent)
                shown[step] = percent

    async def _show_end(self, report: RunReport) -> None:
        for step, artifact in self._artifacts.items():
            await aupdate_progress_artifact(artifact, _percent(report.steps.get(step, StepProgress())))
        rows = [
            {"step": step, "taken": p.taken, "made": p.made, "failed": p.failed, "reused": p.reused}
            for step, p in report.steps.items()
        ]
        await acreate_table_artifact(key="steps", table=rows, description=f"{report.pipeline}, run {report.run_id}")


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it happens in this time."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _percent(progress: StepProgress) -> float:
    if progress.state == "done":
        return 100.0
    return round(min(99.0, 100 * progress.taken / progress.total), 0) if progress.total else 0.0
