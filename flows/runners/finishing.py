"""The end of a run: the Distiset is written in a process of its own, so the engine stays small."""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from flows.engine.engine import Engine
from flows.engine.hosts import context, hidden_main
from flows.runs import RunFolder, RunReport
from flows.spec import PipelineSpec
from steps.errors import RunError


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
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        with hidden_main():
            writing = pool.submit(_write, engine.plan.spec.to_dict(), shelves, report, folder.log, target)
        try:
            return await asyncio.wrap_future(writing)
        except OSError as error:
            raise RunError(f"the Distiset cannot be written to {target}: {error}", "make room, then resume the run") from error


def _write(spec: dict[str, object], shelves: dict[str, Path], report: RunReport, log: Path, target: Path) -> dict[str, int]:
    from flows.distiset import write_distiset
    from flows.plan import examine

    planned, _ = examine(PipelineSpec.model_validate(spec))
    return write_distiset(target, planned, shelves, report, log)
