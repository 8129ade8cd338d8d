"""The end of a run: the Distiset is written in a process of its own, so the engine stays small."""

from __future__ import annotations

import asyncio
import os
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from flows.engine.engine import Engine
from flows.engine.hosts import context, start_process
from flows.engine.outcome import explain
from flows.engine.worker import end_with_engine
from flows.runs import RunFolder, RunReport
from flows.spec import PipelineSpec
from steps.errors import DistilflowError, RunError


async def finish(engine: Engine, report: RunReport, folder: RunFolder, output: Path | None) -> dict[str, int]:
    """Write the Distiset of what the leaves made; returns rows by leaf.

    Raises:
        RunError: It cannot be written.
    """
    shelves = {}
    for name, shelf in engine.shelves.items():
        path = folder.path / "shelves" / f"{name}.shelf"
        shelf.save(path)
        shelves[name] = path
    target = output or folder.path / "distiset"
    mine, theirs = context.Pipe(duplex=False)
    arguments = (theirs, dict(os.environ), engine.plan.spec.to_dict(), shelves, report, folder.log, target)
    writer = context.Process(target=_write, args=arguments)
    await asyncio.to_thread(start_process, writer)
    theirs.close()
    try:
        rows, problem, fix = await asyncio.to_thread(mine.recv)
    except EOFError:
        rows, problem, fix = {}, "the process that writes it ended", "see run.log"
    mine.close()
    await asyncio.to_thread(writer.join)
    if problem:
        raise RunError(
            f"the Distiset cannot be written to {target}: {problem}",
            fix or "make room, or name another folder with --output",
        )
    return dict(rows)


def _write(
    pipe: Connection,
    environment: dict[str, str],
    spec: dict[str, object],
    shelves: dict[str, Path],
    report: RunReport,
    log: Path,
    target: Path,
) -> None:
    # a Distiset that is written after its engine is gone could replace that of the next session
    threading.Thread(target=end_with_engine, daemon=True).start()
    os.environ.update(environment)
    from flows.distiset import write_distiset
    from flows.plan import examine

    planned, _ = examine(PipelineSpec.model_validate(spec))
    try:
        pipe.send((write_distiset(target, planned, shelves, report, log), "", ""))
    except DistilflowError as error:
        pipe.send(({}, error.message, error.fix))
    except OSError as error:
        pipe.send(({}, error.strerror or str(error), ""))
    except Exception as error:
        pipe.send(({}, explain(error).message, ""))
