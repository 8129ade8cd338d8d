"""Running small pipelines through the engine, in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flows.engine.engine import Engine
from flows.engine.hosts import Host, warm_up
from flows.engine.live import NEWEST
from flows.engine.observer import Observer
from flows.engine.options import RunOptions
from flows.engine.outcome import Failure
from flows.engine.placing import LocalPlacer
from flows.engine.settings import Settings
from flows.engine.shelf import ShelfRows
from flows.plan import plan
from flows.pools import Pools
from flows.spec import spec_from

OWN = "tests.flows.engine.own_steps"
LONGEST_S = 120
"""A run that takes longer hangs."""


def own(name: str) -> str:
    """What `use:` says for a step of own_steps."""
    return f"{OWN}:{name}"


@dataclass
class Result:
    rows: dict[str, list[dict[str, Any]]]
    counts: dict[str, Any]
    failures: list[Failure]
    workers: list[tuple[str, str]]
    said: list[tuple[str, str]]
    engine: Engine

    @property
    def only(self) -> list[dict[str, Any]]:
        (rows,) = self.rows.values()
        return rows


class Watcher(Observer):
    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.workers: list[tuple[str, str]] = []
        self.said: list[tuple[str, str]] = []
        self.waited: list[str] = []
        """What the run was said to wait for, one after the other; "" when it went on."""

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)

    def log(self, level: Literal["info", "warning", "error"], text: str) -> None:
        self.said.append((level, text))

    def worker(self, step: str, replica: int, state: str, host: Host) -> None:
        self.workers.append((step, state))

    def waits(self, message: str) -> None:
        self.waited.append(message)


def run_steps(
    folder: Path,
    steps: list[dict[str, Any]],
    *,
    routing: dict[str, Any] | None = None,
    in_threads: bool = True,
    devices: tuple[str, ...] = (),
    during: Callable[[Engine], Any] | None = None,
    newest: int = NEWEST,
    **options: Any,
) -> Result:
    """Run steps in a folder; the same folder again resumes."""
    spec, problems = spec_from({"distilflow": 1, "steps": steps, "routing": routing or {}})
    assert not problems, problems
    planned = plan(spec, Pools(devices=devices))
    if not in_threads:
        warm_up()
    watcher = Watcher()

    async def go() -> Result:
        settings = Settings(folder, RunOptions(**options), in_threads, newest)
        engine = Engine(planned, settings, LocalPlacer(planned.pools), watcher)
        background = asyncio.create_task(during(engine)) if during else None
        await asyncio.wait_for(engine.run(), LONGEST_S)
        if background is not None:
            await background
        rows = {name: list(ShelfRows(path)) for name, path in engine.shelves.items()}
        return Result(rows, engine.counts, watcher.failures, watcher.workers, watcher.said, engine)

    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(go())
