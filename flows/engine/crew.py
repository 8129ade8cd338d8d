"""Who works for the stages: workers are started, given their devices, and replaced when they die."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, Protocol

from flows.engine.budget import Budget
from flows.engine.desk import Desk
from flows.engine.gateway import Gateway
from flows.engine.hosts import Host, Listener, LoopHost, ThreadHost, WorkerHost
from flows.engine.items import Item
from flows.engine.local_models import LocalModels
from flows.engine.observer import Observer
from flows.engine.orders import order_of
from flows.engine.outcome import Failure, Outcome
from flows.engine.placing import Lease, Placer
from flows.engine.quarantine import Quarantine
from flows.engine.settings import Settings
from flows.engine.shelf import Shelf
from flows.engine.station import Station
from flows.plan import Plan
from steps.errors import DistilflowError, RunError

DEATHS_WITHOUT_PROGRESS = 3
ROWS_BLAMED_IN_A_ROW = 5
"""Rows that take down every worker, one after the other, before it counts as the step's fault, not theirs."""


class Employer(Listener, Protocol):
    """The engine, as far as its workers go."""

    plan: Plan
    settings: Settings
    placer: Placer
    observer: Observer
    quarantine: Quarantine
    models: LocalModels

    def fail(self, error: Exception) -> None: ...


class Crew:
    """Starts and ends the workers of a run."""

    def __init__(self, employer: Employer, stations: Mapping[str, Station], gateway: Gateway, budget: Budget | None) -> None:
        self._employer = employer
        self._stations = stations
        self._gateway = gateway
        self._budget = budget

    async def start(self, station: Station) -> None:
        """Start all replicas of a stage."""
        for shelf in self._shelves_before(station):
            shelf.save()
        if self._employer.models.serves(station.stage):
            await self._ask_beside_models(station)
            return
        for replica in range(station.stage.resources.replicas):
            await self.add(station, replica)

    async def _ask_beside_models(self, station: Station) -> None:
        """Start a stage here that asks models in processes of their own."""
        employer, stage = self._employer, station.stage
        try:
            leases = await employer.models.move_in(stage)
            station.leases.update(enumerate(leases))
            host = LoopHost(stage, 0, employer, self._desk(station), self._gateway)
            host.devices = [device for lease in leases for device in lease.devices]
            station.hosts.append(host)
            self._tell(station, host, "started")
            await host.start()
        except Exception as error:
            is_ours = isinstance(error, DistilflowError)
            employer.fail(error if is_ours else RunError(f"step {stage.name!r} cannot start: {error}"))

    async def add(self, station: Station, replica: int, skip: int = 0) -> None:
        """Start one replica, on the devices it has or gets. `skip`: rows of a source that another one has sent on."""
        employer, name = self._employer, station.stage.name
        try:
            lease = station.leases.get(replica) or await employer.placer.acquire(station.stage, replica)
            station.leases[replica] = lease
            host = self._host(station, replica, lease, skip)
            host.devices = lease.devices
            station.hosts.append(host)
            await host.start()
            if not host.is_ready:  # else it was told already
                self._tell(station, host, "started")
        except Exception as error:
            is_ours = isinstance(error, DistilflowError)
            employer.fail(error if is_ours else RunError(f"step {name!r} cannot start: {error}"))

    def _host(self, station: Station, replica: int, lease: Lease, skip: int) -> Host:
        employer, stage, settings = self._employer, station.stage, self._employer.settings
        shelves = tuple(shelf.path for shelf in self._shelves_before(station))
        desk = self._desk(station)
        if stage.asks is not None and (stage.pool == "async" or settings.in_threads):
            return LoopHost(stage, replica, employer, desk, self._gateway)
        if settings.in_threads:
            return ThreadHost(stage, replica, employer, desk, shelves)
        order = order_of(employer.plan, stage, lease, desk)
        order = replace(order, skip=skip, shelves=shelves, has_budget=self._budget is not None)
        return WorkerHost(stage, replica, employer, order, self._budget)

    def _desk(self, station: Station) -> Desk:
        employer, settings = self._employer, self._employer.settings
        station.workers += 1
        return Desk(
            folder=settings.folder,
            writer=f"{settings.session}-{station.workers}",
            known_failures=employer.quarantine.known(),
            retried=employer.quarantine.retried(),
            options=settings.options,
            newest=settings.newest,
        )

    def _shelves_before(self, station: Station) -> list[Shelf]:
        """Where a step that takes all rows finds them: a shelf for each branch."""
        return [self._stations[name].shelf for name in station.stage.upstream] if station.stage.is_global else []

    async def end(self, station: Station) -> None:
        """Let the workers of a stage end, and give back what they held."""
        hosts, station.hosts = station.hosts, []
        for host in hosts:
            await host.end()
            self._tell(station, host, "ended")
        self.give_back(station)

    def give_back(self, station: Station) -> None:
        """Give back the devices of a stage."""
        if self._employer.models.move_out(station.stage):
            station.leases.clear()
        for replica, lease in station.leases.items():
            self._employer.placer.release(station.stage, replica, lease)
        station.leases.clear()

    def _tell(self, station: Station, host: Host, state: Literal["started", "ended"]) -> None:
        self._employer.observer.worker(station.stage.name, host.replica, state, host)


def count_death(station: Station, held: Sequence[Item], exit_code: int | None) -> Outcome | None:
    """Count the death of a worker, and for each row it held that it may be to blame.

    Returns what comes of a row that took down every worker: it goes to the quarantine. None: all rows are tried again.

    Raises:
        RunError: Too many died, and it is no row's fault.
    """
    station.deaths += 1
    for item in held:
        station.suspects[item.id] = station.suspects.get(item.id, 0) + 1
    if len(held) == 1 and station.suspects[held[0].id] >= DEATHS_WITHOUT_PROGRESS:
        return _blamed(station, held[0], exit_code)
    killers = max(ROWS_BLAMED_IN_A_ROW, station.stage.resources.replicas) if held else 1
    if station.deaths > DEATHS_WITHOUT_PROGRESS * killers:
        raise RunError(
            f"the worker of step {station.stage.name!r} died {station.deaths} times in a row (exit code {exit_code})",
            "see run.log; out of memory is the usual cause: ask for fewer replicas or smaller batches",
        )
    return None


def _blamed(station: Station, item: Item, exit_code: int | None) -> Outcome:
    stage = station.stage
    failure = Failure(
        step=stage.head.name,
        step_key=stage.keys[0],
        id=item.id,
        key=item.key.hex(),
        code="worker-died",
        message=f"every worker that took this row died (exit code {exit_code})",
        fix="look at this row, and at run.log",
        attempts=DEATHS_WITHOUT_PROGRESS,
    )
    outcome = Outcome(settled=[item.id], failures=[failure])
    counts = outcome.count(stage.head.name)
    counts.taken = counts.failed = 1
    station.suspects.pop(item.id)
    return outcome
