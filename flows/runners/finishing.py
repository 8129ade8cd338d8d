"""The end of a run: the Distiset is written in a process of its own, so the engine stays small."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

from flows.engine import inside, signals
from flows.engine.engine import Engine
from flows.engine.garbage import collect_seldom
from flows.engine.hosts import context, start_process
from flows.engine.journal import JOURNAL
from flows.engine.lookup import prepare
from flows.engine.outcome import explain
from flows.engine.worker import end_with_engine
from flows.plan import Plan
from flows.runs import RunFolder, RunReport
from flows.spec import PipelineSpec
from steps.errors import DistilflowError, RunError

LOOK_S = 0.1
FIRST_ROWS = 2
"""Rows of each leaf that are kept beside the Distiset, to be shown without opening it."""


class Finisher:
    """The process that writes the Distiset of a run. It may get ready while the run goes on."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pipe: Connection | None = None
        self._process: Any = None
        self._starting = asyncio.Lock()

    async def get_ready(self, engine: Engine) -> None:
        """Start the process when the end is near: at once if no model is asked, else when the sources have no more rows."""
        while self._plan.llms and not engine.is_drained:
            await asyncio.sleep(LOOK_S)
        await self._start()

    async def finish(self, engine: Engine, report: RunReport, folder: RunFolder, output: Path | None) -> dict[str, int]:
        """Write what the leaves made; returns rows by leaf.

        Raises:
            RunError: It cannot be written.
        """
        target = output or folder.path / "distiset"
        pipe = await self._start()
        try:
            pipe.send((engine.shelves, report, folder.log, target))
            rows, problem, fix = await asyncio.to_thread(pipe.recv)
        except (EOFError, ConnectionError):
            rows, problem, fix = {}, "the process that writes it ended", "see run.log"
        await asyncio.to_thread(self._process.join)
        if problem:
            raise RunError(
                f"the Distiset cannot be written to {target}: {problem}",
                fix or "make room, or name another folder with --output",
            )
        return dict(rows)

    def close(self) -> None:
        """Let go of the process; one that was not needed ends by itself."""
        if self._pipe is not None:
            self._pipe.close()

    async def _start(self) -> Connection:
        async with self._starting:
            if self._pipe is None:
                self._pipe, theirs = (
                    context.Pipe()
                )  # known from now on: a run that fails meanwhile closes it, which ends the process
                self._process = context.Process(target=_write, args=(theirs, dict(os.environ), self._plan.spec.to_dict()))
                starting = asyncio.ensure_future(asyncio.to_thread(start_process, self._process))
                starting.add_done_callback(lambda _: theirs.close())
                await asyncio.shield(starting)
            return self._pipe


class _NoPandas(MetaPathFinder):
    """Says that there is no pandas, unless a step has imported it.

    pyarrow would import it to ask whether a list is one of its own: 40 MB, and a third of a second.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ImportError(name)


def _write(pipe: Connection, environment: dict[str, str], spec: dict[str, object]) -> None:
    # a Distiset that is written after its engine is gone could replace that of the next session
    threading.Thread(target=end_with_engine, daemon=True).start()
    inside.enter()
    signals.leave_to_others()
    collect_seldom()
    os.environ.update(environment)
    if sys.platform == "linux":  # where pyarrow has it; its own choice keeps 30 MB more
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    from flows.distiset import head, write_distiset
    from flows.plan import examine

    planned, _ = examine(PipelineSpec.model_validate(spec))
    sys.meta_path.insert(0, _NoPandas())
    import pyarrow.parquet  # noqa: F401 - it takes a while, and there is time now

    try:
        shelves, report, log, target = pipe.recv()
    except EOFError:  # the run failed
        return
    try:
        rows = write_distiset(target, planned, shelves, report, log)
        prepare([*log.parent.glob("ledger/*/*.seg"), *log.parent.glob(f"{JOURNAL}/*.seg")])
        RunFolder(log.parent).save_first_rows({leaf: head(target, leaf, FIRST_ROWS) for leaf in rows})
        pipe.send((rows, "", ""))
    except DistilflowError as error:
        pipe.send(({}, error.message, error.fix))
    except OSError as error:
        pipe.send(({}, error.strerror or str(error), ""))
    except Exception as error:
        pipe.send(({}, explain(error).message, ""))
