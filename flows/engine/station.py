"""A stage at work: what waits before it, who works in it, and where what it made lies."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.hosts import Host
from flows.engine.items import Item
from flows.engine.joins import Joiner, ends_with
from flows.engine.placing import Lease
from flows.engine.routing import Switch
from flows.engine.shelf import SHELF, Shelf
from flows.engine.source import Source
from flows.engine.stages import Stage, source_of, stages_of
from flows.plan import Plan

QUEUE_BATCHES = 4
"""Batches that may wait before a stage; the stages before it pause then, so memory does not grow with the rows."""


@dataclass(slots=True)
class Station:
    """A stage at work: its queue, its replicas, and whether it is done. `source`: the rows that begin here, if any do."""

    stage: Stage
    shelf: Shelf
    source: Source | None = None
    queue: deque[Item] = field(default_factory=deque)
    hosts: list[Host] = field(default_factory=list)
    leases: dict[int, Lease] = field(default_factory=dict)
    joiner: Joiner | None = None
    switch: Switch | None = None
    is_started: bool = False
    is_starting: bool = False
    """Its workers are on their way: it cannot end yet."""
    is_done: bool = False
    workers: int = 0
    """Workers started so far: each writes files of its own."""
    deaths: int = 0
    """Workers that died since a row was finished."""
    suspects: dict[str, int] = field(default_factory=dict)
    """How many workers died while they held a row, by row id."""

    @property
    def is_busy(self) -> bool:
        is_ahead = self.source is not None and bool(self.source.ahead)
        return bool(self.queue) or is_ahead or any(host.held or host.pulling for host in self.hosts)

    @property
    def has_more(self) -> bool:
        """Whether more rows can begin here, or go into it."""
        return self.is_started and (bool(self.queue) if self.source is None else self.source.has_more)

    @property
    def is_drained(self) -> bool:
        """Whether no more rows begin here; never where none do."""
        return self.source is not None and self.source.is_drained

    @property
    def room_before(self) -> int:
        """Rows that may still be put into the queue."""
        if self.stage.goes_by_batch:  # as many rows are under way as a batch has: what may wait beside them comes out of that
            return max(QUEUE_BATCHES * self.stage.batch_rows, sum(host.room for host in self.hosts)) - len(self.queue)
        capacity = sum(host.capacity() for host in self.hosts) or self.stage.batch_rows
        return max(QUEUE_BATCHES * self.stage.batch_rows, 2 * capacity) - len(self.queue)


def stations_of(plan: Plan, folder: Path) -> dict[str, Station]:
    """A station for each stage of a plan, by the stage's name. `folder`: where it is noted where rows lie."""
    stages = stages_of(plan)
    stations = {}
    for name, stage in stages.items():
        joiner = Joiner(stage, stages) if stage.is_join else None
        shelf = Shelf(folder / f"{name}{SHELF}")
        source = Source(name, stage.batch_rows) if stage.begins else None
        stations[name] = Station(stage, shelf, source, joiner=joiner, switch=switch_of(plan, name, stages))
    sources = {name: station.source for name, station in stations.items() if station.source is not None}
    for joiner in [station.joiner for station in stations.values() if station.joiner is not None]:
        for name in joiner.sources:
            sources[name].partners += [sources[other] for other in joiner.sources if other != name]
    for name, others in ends_with(stages).items():
        sources[name].ends_with = [sources[other] for other in others]
    return stations


def switch_of(plan: Plan, name: str, stages: dict[str, Stage]) -> Switch | None:
    """What chooses among the stages after one, if anything does."""
    if (router := plan.routers.get(name)) is None:
        return None
    heads = [stages[after].entrance for after in stages[name].downstream]
    return Switch(name, router, heads, _source_batch(stages[name], stages))


def _source_batch(stage: Stage, stages: dict[str, Stage]) -> int:
    """Rows that leave together at the source of a stage's rows: what routing counts by."""
    return int(getattr(source_of(stage, stages).head.step, "batch_size", 50))
