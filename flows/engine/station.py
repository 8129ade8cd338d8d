"""A stage at work: what waits before it, who works in it, and where what it made lies."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.hosts import Host
from flows.engine.items import Item
from flows.engine.joins import Joiner, ends_with
from flows.engine.placing import Lease
from flows.engine.routing import Switch
from flows.engine.shelf import Shelf
from flows.engine.stages import Stage, source_of, stages_of
from flows.plan import Plan

QUEUE_BATCHES = 4
"""Batches that may wait before a stage; the stages before it pause then, so memory does not grow with the rows."""
LEAD_BATCHES = 2
"""Batches by which a source may be ahead of another one whose rows are matched with its own."""


@dataclass(slots=True)
class Station:
    """A stage at work: its queue, its replicas, and whether it is done."""

    stage: Stage
    shelf: Shelf
    queue: deque[Item] = field(default_factory=deque)
    hosts: list[Host] = field(default_factory=list)
    leases: dict[int, Lease] = field(default_factory=dict)
    joiner: Joiner | None = None
    switch: Switch | None = None
    is_started: bool = False
    is_starting: bool = False
    """Its workers are on their way: it cannot end yet."""
    is_drained: bool = False
    """A source has no more rows."""
    is_done: bool = False
    made: int = 0
    quota: float = math.inf
    """Rows that a source may make so far; it grows while a step after it wants more."""
    partners: list[Station] = field(default_factory=list)
    """Sources whose rows are matched with those of this one."""
    ends_with: list[Station] = field(default_factory=list)
    """Partners without whose rows those of this one come to nothing."""
    ahead: list[Item] = field(default_factory=list)
    """Rows that wait for their partners to begin: nothing is paid for one that none is left for."""
    workers: int = 0
    """Workers started so far: each writes files of its own."""
    deaths: int = 0
    """Workers that died since a row was finished."""
    suspects: dict[str, int] = field(default_factory=dict)
    """How many workers died while they held a row, by row id."""

    @property
    def begins(self) -> bool:
        return self.stage.is_source or self.stage.is_global

    @property
    def is_busy(self) -> bool:
        return bool(self.queue or self.ahead) or any(host.held or host.pulling for host in self.hosts)

    @property
    def has_more(self) -> bool:
        """Whether more rows can come out of it, if it is a source, or go into it."""
        if not self.begins:
            return self.is_started and bool(self.queue)
        return self.is_started and not self.is_drained and self.may_begin > 0

    @property
    def may_begin(self) -> float:
        """Rows that a source may make now: within its quota, and not far ahead of those that its rows are matched with."""
        lead = LEAD_BATCHES * self.stage.batch_rows
        bounds = [other.made + lead for other in self.partners if not other.is_drained]
        ends = [other.made + 1 for other in self.ends_with if other.is_drained]  # one more tells that there was one
        return min([self.quota, *bounds, *ends]) - self.made

    @property
    def is_alone(self) -> bool:
        """Whether it has made a row that no other is left for: so have all that it could still make."""
        return not self.is_drained and any(other.is_drained and other.made < self.made for other in self.ends_with)

    @property
    def room_before(self) -> int:
        """Rows that may still be put into the queue."""
        capacity = sum(host.capacity() for host in self.hosts) or self.stage.batch_rows
        return max(QUEUE_BATCHES * self.stage.batch_rows, 2 * capacity) - len(self.queue)


def stations_of(plan: Plan, folder: Path) -> dict[str, Station]:
    """A station for each stage of a plan, by the stage's name. `folder`: where it is noted where rows lie."""
    stages = stages_of(plan)
    stations = {}
    for name, stage in stages.items():
        joiner = Joiner(stage, stages) if stage.is_join else None
        shelf = Shelf(folder / f"{name}.shelf")
        stations[name] = Station(stage, shelf, joiner=joiner, switch=switch_of(plan, name, stages))
    for joiner in [station.joiner for station in stations.values() if station.joiner is not None]:
        for name in joiner.sources:
            stations[name].partners += [stations[other] for other in joiner.sources if other != name]
    for name, others in ends_with(stages).items():
        stations[name].ends_with = [stations[other] for other in others]
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
