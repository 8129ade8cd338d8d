"""The scheduler: takes rows from step to step, bounded, and survives the death of any worker. Knows no Prefect.

It is one event loop. Rows are opaque bytes that it forwards between stages; it keeps count of what is under way, where
branches meet, and where finished rows lie. Nothing waits for a whole batch but the step that asked for one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from flows.engine.batching.batches import Batches
from flows.engine.budget import Budget, Purpose, UsedUp
from flows.engine.caps import Caps
from flows.engine.crew import Crew, count_death
from flows.engine.dispatch import Dispatch
from flows.engine.gateway import Gateway
from flows.engine.groups import Groups
from flows.engine.holding import let_go
from flows.engine.hosts import Host
from flows.engine.journal import JOURNAL, Entry, Journal, tally_of
from flows.engine.local_models import LocalModels
from flows.engine.loops import Loop
from flows.engine.notices import Notice
from flows.engine.observer import Observer
from flows.engine.outcome import Counts, Outcome, explain
from flows.engine.placing import Placer
from flows.engine.quarantine import Quarantine
from flows.engine.settings import Settings
from flows.engine.shelf import SHELVES
from flows.engine.shortfalls import Shortfall, unmatched
from flows.engine.source import Source
from flows.engine.spill import Spill
from flows.engine.station import Station, stations_of
from flows.engine.step_log import step_log
from flows.engine.tally import Tally
from flows.engine.waits import Waits
from flows.plan import Plan
from flows.plan.grouping import load_groups
from steps import cassettes
from steps.errors import DistilflowError, RunError
from steps.llms.base import Responder
from steps.tasks.asking import AskingStep
from steps.wording import listed

PULLS_AHEAD = 2
"""Batches of a source that are under way: one at work, one that its worker finds when it is done."""
ROOM_ON_DISK = 10**6
"""Rows that may come from a stage at once which nobody waits for: they go to the ledger, and to no other stage."""
ROWS_UNANSWERED = 1000
"""Rows that come back unanswered, one after the other, before a run without money left takes no more from its sources."""
LAST_REPLIES_OF_THE_DEAD_S = 1.0
LAST_REPLIES_S = 10.0
"""How long a stopped run waits for replies under way: they may be paid for."""


class Engine:
    """One run of a plan. `run()` returns when every row is accounted for, or raises what stopped it."""

    def __init__(self, plan: Plan, settings: Settings, placer: Placer, observer: Observer | None = None) -> None:
        """Get ready; nothing starts before `run`.

        Raises:
            PlanError: The load groups that were asked for are none.
        """
        self.plan = plan
        self.settings = settings
        self.placer = placer
        self.observer = observer or Observer()
        self.counts: dict[str, Counts] = defaultdict(Counts, {name: Counts() for name in plan.steps})
        self.quarantine = Quarantine(settings.folder / "quarantine.jsonl")
        self.is_stopped = False
        self.is_paused = False
        self.used_up: UsedUp | None = None
        """Why the run stopped, if its budget is used up."""
        self.stations = stations_of(plan, settings.folder / SHELVES)
        self.station_of = {planned.name: station for station in self.stations.values() for planned in station.stage.steps}
        """Where each step works, by its name."""
        self._sources = [one.source for one in self.stations.values() if one.source is not None and one.stage.is_source]
        """The sources of the pipeline, without the steps over all rows."""
        self._groups = Groups(load_groups(plan, settings.options.load_groups), self.stations)
        self._spill = Spill(settings.folder)
        self._dispatch = Dispatch(self.stations, self._groups, self._spill)
        self._loops = {
            name: Loop(station, self.stations, self.observer.log, may_repeat=settings.options.max_rows is None)
            for name, station in self.stations.items()
            if station.stage.repeats is not None
        }
        caps = Caps.of(settings.options)
        self._budget = Budget(caps, self._end_budget) if caps else None
        journal = Journal(settings.journal or settings.folder / JOURNAL, settings.session, settings.options.journals)
        self._batches: Batches | None = None
        if settings.journal is None and cassettes.current() is None:  # neither previews nor tests can wait a day
            others, asked = settings.options.reuse, self._models_asked_here()
            self._batches = Batches(settings.folder, journal, self.on_notice, self._budget, self._paid_for, others, asked)
        self._gateway = Gateway(
            journal,
            self.on_notice,
            purse=self._budget,
            replied=self.observer.replied,
            is_replay=settings.options.is_replay,
            batches=self._batches,
        )
        self.models = LocalModels(plan, settings.folder, placer, self.on_notice, is_replay=settings.options.is_replay)
        self._crew = Crew(self, self.stations, self._gateway, self._budget)
        self._waits = Waits(self.observer)
        self._error: Exception | None = None
        self._over = asyncio.Event()
        self._background: set[asyncio.Task[Any]] = set()
        self._endings: list[asyncio.Task[None]] = []
        self._pump_is_due = False
        self._unanswered = 0

    @property
    def shelves(self) -> dict[str, Path]:
        """Where the rows of the leaves lie once the run is over, by step (`ShelfRows` reads them)."""
        return {name: station.shelf.path for name, station in self.stations.items() if not station.stage.downstream}

    def _models_asked_here(self) -> list[tuple[str, Responder]]:
        """Models that are asked from this process, each with its step."""
        asking = [(one.stage.name, one.stage.asks) for one in self.stations.values() if one.stage.pool == "async"]
        return [(name, llm) for name, asks in asking if asks is not None for llm in asks.answering_models().values()]

    @property
    def used(self) -> Tally:
        """What all requests used, in all sessions, also those of steps that are no more."""
        total = Tally()
        for counts in self.counts.values():
            total.add(counts.usage)
        return total

    @property
    def at_providers(self) -> list[str]:
        """Batches that the run leaves at providers, in words."""
        return self._batches.left if self._batches is not None and not self.settings.options.is_replay else []

    @property
    def shortfalls(self) -> list[Shortfall]:
        """What the run did not come to though no row failed; nothing is known of that where it was cut short."""
        if self.is_cut_short:
            return []
        too_few = [loop.shortfall for loop in self._loops.values() if loop.shortfall is not None]
        return [*too_few, *unmatched(self.stations, [loop.source.stage for loop in self._loops.values()])]

    @property
    def is_drained(self) -> bool:
        """Whether the sources have no more rows."""
        return all(source.is_drained for source in self._sources)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine that failed in the steps as they are now."""
        return self.quarantine.count(self._step_keys)

    @property
    def _step_keys(self) -> set[str]:
        return {key for station in self.stations.values() for key in station.stage.keys}

    # ---- life
    async def run(self) -> None:
        """Take every row through every step.

        Raises:
            RunError: Something after which no row can succeed; what is finished is kept.
        """
        self.quarantine.forget_others(self._step_keys)
        await self._gateway.open(None if self.settings.journal else self._paid)
        with step_log(self.observer.log):
            try:
                self._start_those_whose_turn_it_is()
                await self._over.wait()
            finally:
                await self._close()
        if self._error is not None:
            raise self._error
        for name in self.shelves:
            self.stations[name].shelf.save()

    def _paid(self, entry: dict[str, Any]) -> None:
        """Count a reply of an earlier session."""
        used = tally_of(entry)
        self.counts[entry["step"]].usage.add(used)
        if self._budget is not None:
            self._budget.remember(Purpose(entry["step"], entry["model"]), used)

    def _paid_for(self, entry: Entry, used: Tally) -> None:
        """Count a reply that came for a row which is not there, or not yet."""
        self.counts[entry.step].usage.add(used)
        if self._budget is not None:
            self._budget.remember(Purpose(entry.step, entry.model), used)

    def _end_budget(self, used_up: UsedUp) -> None:
        """Ask no more. All other work goes on to its end: what was paid for before, in any session, is in the result."""
        self.used_up = used_up
        self.observer.log("warning", f"{used_up.message}; the run stops and keeps its finished rows")
        self._ask_no_more()
        for loop in self._loops.values():  # nothing is counted any more, and nothing more sent for
            self._dispatch.drain(loop.source)
        self._spawn(self._wind_down(math.inf))

    def pause(self) -> None:
        """Send and begin nothing until `go_on`; what is under way comes in and is kept, and every row keeps its place."""
        if self.is_paused or self.is_stopped or self._over.is_set():
            return
        self.is_paused = True
        self._gateway.hold()
        for host in self._hosts():
            host.hold()

    def go_on(self) -> None:
        """Work again after a pause."""
        if not self.is_paused:
            return
        self.is_paused = False
        self._gateway.go_on()
        for host in self._hosts():
            host.go_on()
        self._pump_soon()

    def stop(self) -> None:
        """Take no more rows; finish, for a moment, what is under way. A pause ends."""
        if not self.is_stopped and not self._over.is_set():
            self.is_stopped = True
            self._ask_no_more()
            let_go(self.settings.folder)
            self.go_on()
            self._spawn(self._wind_down(LAST_REPLIES_S))

    def fail(self, error: Exception) -> None:
        """End the run with an error."""
        if self._error is None and not self._over.is_set():
            self._error = error if isinstance(error, DistilflowError) else RunError(f"{type(error).__name__}: {error}")
            self._over.set()

    def _ask_no_more(self) -> None:
        """Let no further request leave: a run that ends buys nothing more."""
        self._gateway.drain()
        for host in self._hosts():
            host.drain()

    @property
    def is_cut_short(self) -> bool:
        """Whether it ends before every row is accounted for, without an error."""
        return self.is_stopped or self.used_up is not None

    async def _wind_down(self, seconds: float) -> None:
        """Let replies under way arrive, and what they lead to without asking again; then it is over."""
        await self._come_to_rest(seconds)
        await self._let_out_what_loops_have()
        await self._come_to_rest(seconds)
        self._over.set()

    async def _let_out_what_loops_have(self) -> None:
        """Let the rows leave that count so far; a run that goes on counts again, and all of them."""
        wanting = [loop.wanting for loop in self._loops.values()]
        for station in wanting:
            if not station.is_started:
                self._begin(station)
        while any(
            (station.is_starting or station.hosts) and self._goes_on(station) for station in wanting
        ):  # as long as it takes
            await asyncio.sleep(0.05)

    async def _come_to_rest(self, seconds: float) -> None:
        """Wait, for so long at most, until nothing goes on."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (
            self.is_paused
            or any(map(self._goes_on, self.stations.values()))
            or not all(ending.done() for ending in self._endings)  # the next load group may begin then
        ):
            await asyncio.sleep(0.05)

    def _goes_on(self, station: Station) -> bool:
        """Whether a run that is cut short still has something to finish in this stage."""
        if any(host.held or host.pulling for host in station.hosts):
            return True
        return self._may_feed(station) and station.has_more and (not station.stage.begins or self._room_after(station) > 0)

    def _may_feed(self, station: Station) -> bool:
        """Whether rows may enter a stage: after a stop no new ones, and none that cost money.

        Without money left all may, as long as some of them are answered by what earlier sessions got. What leaves a loop is not
        new.
        """
        if self.is_paused:
            return False
        is_new = station.stage.repeats is None and (station.stage.begins or station.stage.asks)
        return not self.is_stopped or not is_new

    def _note_unanswered(self, station: Station, outcome: Outcome) -> None:
        """Count the rows that came back unanswered since one was answered."""
        if station.stage.asks is not None:
            is_answered = any(counts.made or counts.reused for counts in outcome.counts.values())
            self._unanswered = 0 if is_answered else self._unanswered + len(outcome.returned)
        if self.used_up is not None and self._unanswered >= ROWS_UNANSWERED:
            for source in self._sources:
                if not source.is_drained:
                    self._dispatch.drain(source)

    async def _close(self) -> None:
        background = list(self._background)
        for task in background:
            task.cancel()
        await asyncio.gather(*background, *self._endings, return_exceptions=True)
        if self._error is not None:
            self._ask_no_more()
            await self._last_replies()
        hosts = list(self._hosts())
        if self._error is not None or self.is_cut_short:
            for host in hosts:
                host.cancel()
        await asyncio.gather(*(host.end() for host in hosts), return_exceptions=True)
        await self.models.close()
        await self._gateway.close()
        self._spill.close()
        for station in self.stations.values():
            self._crew.give_back(station)
            if self._error is not None or station.stage.downstream:  # the others are saved yet
                station.shelf.close()

    async def _last_replies(self) -> None:
        """Wait for the replies under way: they may be paid for. Where no request can succeed any more, not for long."""
        begin = time.monotonic()
        while any(self._awaits_replies(host, time.monotonic() - begin) for host in self._hosts()):
            await asyncio.sleep(0.05)

    def _awaits_replies(self, host: Host, waited_s: float) -> bool:
        task = host.stage.asks
        if task is None or not host.held:
            return False
        return waited_s < (LAST_REPLIES_OF_THE_DEAD_S if self._are_dead(task) else LAST_REPLIES_S)

    def _are_dead(self, task: AskingStep) -> bool:
        """Whether none of a task's models can answer any more."""
        return all(map(self._gateway.is_dead, task.answering_models().values()))

    def _hosts(self) -> list[Host]:
        return [host for station in self.stations.values() for host in station.hosts]

    # ---- starting and replacing workers
    def _start_those_whose_turn_it_is(self) -> None:
        for name, station in self.stations.items():
            if not (station.stage.is_global or station.is_started or self._groups.is_waiting(name)):
                self._begin(station)

    def _begin(self, station: Station) -> None:
        station.is_started = station.is_starting = True
        self._spawn(self._start(station))

    async def _start(self, station: Station) -> None:
        await self._crew.start(station)
        station.is_starting = False
        self._pump_soon()

    def on_ready(self, host: Host) -> None:
        self.observer.worker(host.stage.name, host.replica, "ready", host)
        if self.is_paused:
            host.hold()
        self._pump_soon()

    def on_error(self, host: Host, error: Exception) -> None:
        if not self.stations[host.stage.name].is_done and not self._over.is_set():
            self.fail(error)
        elif self._error is None:  # while it let go of what it had: its rows are made, and the result is to be had
            self.observer.log("warning", f"{explain(error).message}; its rows are kept")

    def on_notice(self, notice: Notice, host: Host | None = None) -> None:
        try:
            self._waits.hear(notice, host)
        except OSError as error:  # else it would be the row's that is asking
            self.fail(RunError(f"the run's folder cannot be written: {error.strerror}", "make room"))

    def on_death(self, host: Host, exit_code: int | None) -> None:
        """Replace a worker that died; redo what it held, and only that."""
        station = self.stations[host.stage.name]
        self.observer.worker(host.stage.name, host.replica, "died", host)
        if host in station.hosts:
            station.hosts.remove(host)
        self._waits.forget(host)
        if self._over.is_set() or self.is_stopped:
            return
        held = list(host.held.values())
        try:
            blamed = count_death(station, held, exit_code)
        except RunError as error:
            self.fail(error)
            return
        if blamed is not None:
            self._take_in(station, blamed)
            held.clear()
        self.observer.log("warning", f"worker of {host.stage.name!r} died (exit code {exit_code}); another one takes over")
        station.queue.extendleft(reversed(held))
        self._spawn(self._crew.add(station, host.replica, skip=station.source.made if station.source else 0))

    # ---- rows
    def on_outcome(self, host: Host, outcome: Outcome) -> None:
        station = self.stations[host.stage.name]
        if (source := station.source) is not None:
            host.pulling.popleft()
            source.made += outcome.counts[station.stage.head.name].made
            if outcome.is_last:
                source.drain()
        if outcome.settled or (source is not None and outcome.counts):
            station.deaths = 0
        for item_id in outcome.settled:
            host.held.pop(item_id, None)
            station.suspects.pop(item_id, None)
        for item_id in outcome.returned:
            host.held.pop(item_id, None)
        self._note_unanswered(station, outcome)
        try:
            self._take_in(station, outcome)
        except OSError as error:
            self.fail(RunError(f"the run's folder cannot be written: {error.strerror}", "make room"))
        except Exception as error:  # else its rows would be missing, or waited for, and nobody would know
            self.fail(RunError(f"what step {host.stage.name!r} made cannot be taken in: {explain(error).message}"))

    def _take_in(self, station: Station, outcome: Outcome) -> None:
        """Count what a stage did and hand what it made on."""
        for step, counts in outcome.counts.items():
            self.counts[step].add(counts)
        if outcome.failures:
            self.quarantine.add(outcome.failures)
            for failure in outcome.failures:
                self.observer.failed(failure)
        if station.stage.is_collected:
            for entry in outcome.collected:
                station.shelf.add(entry)
        if station.source is not None:
            self._dispatch.begin(station.source, outcome.items)
        else:
            self._dispatch.hand_on(station, outcome.items)
        self._dispatch.left(station, (*outcome.settled, *outcome.returned))
        self._dispatch.join()
        self._pump_soon()

    # ---- the pump
    def _pump_soon(self) -> None:
        if not self._pump_is_due:
            self._pump_is_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Give work to whoever has room, as long as what comes after has room too."""
        self._pump_is_due = False
        if self._over.is_set():
            return
        try:
            if group := self._groups.advance():
                self.observer.log("info", f"the next load group begins: {listed(map(repr, group))}")
                self._start_those_whose_turn_it_is()
            for station in self.stations.values():
                if station.source is not None and station.source.is_alone:
                    self._end_alone(station.source)
                if self._may_feed(station):
                    self._feed(station)
                self._finish_if_done(station)
            for loop in self._loops.values():
                if loop.is_due and not self.is_cut_short and not self.is_paused:
                    self._spawn(self._look(loop, loop.look()))
        except Exception as error:  # the event loop would only log it, and the run would wait for ever
            self.fail(error)
        if all(station.is_done for station in self.stations.values()):
            self._over.set()

    def _end_alone(self, source: Source) -> None:
        """Take no more rows from a source whose rows no others are left for."""
        self._dispatch.drain(source)
        name, others = self._step_of(source), [repr(self._step_of(one)) for one in source.ends_with if one.is_drained]
        self.observer.log("info", f"step {name!r} gives no more rows: no row of {listed(others)} is left for them")

    def _step_of(self, source: Source) -> str:
        return self.stations[source.stage].stage.entrance

    async def _look(self, loop: Loop, looking: Coroutine[None, None, None]) -> None:
        await looking
        if loop.is_over and not loop.source.is_drained:
            self._dispatch.drain(loop.source)
        self._pump_soon()

    def _feed(self, station: Station) -> None:
        if station.source is not None:
            for host in station.hosts:
                self._pull(station, station.source, host)
            return
        for host in sorted(station.hosts, key=lambda host: len(host.held)):
            while station.queue and host.room > 0 and self._room_after(station) > 0:
                size = min(host.room, station.stage.batch_rows, len(station.queue))
                if station.suspects and station.queue[0].id in station.suspects:
                    if host.held:
                        break
                    size = 1  # a row that may have killed a worker travels alone
                host.give([self._spill.take(station.queue.popleft()) for _ in range(size)])

    def _pull(self, station: Station, source: Source, host: Host) -> None:
        """Let a worker make more rows, as far as they may be made now."""
        while host.is_ready and not source.is_drained and len(host.pulling) < PULLS_AHEAD:
            under_way, size = sum(host.pulling), station.stage.batch_rows
            if (room := self._room_after(station) - under_way) <= 0:
                return
            if (most := int(min(max(size, room // PULLS_AHEAD), source.may_make - under_way))) <= 0:
                return
            host.pull(min(size, most), most)

    def _room_after(self, station: Station) -> int:
        """Rows that the stages after this one can take; where none are taken any more, nobody waits for room."""
        after = [self.stations[name] for name in station.stage.downstream if not self._groups.is_waiting(name)]
        taking = [other for other in after if not other.stage.is_global and self._may_feed(other)]
        return min((other.room_before for other in taking), default=ROOM_ON_DISK)

    def _finish_if_done(self, station: Station) -> None:
        if station.is_done:
            return
        if not all(self.stations[name].is_done for name in station.stage.upstream):
            return
        if station.stage.is_global and not station.is_started:
            if self._groups.is_waiting(station.stage.name):
                return
            if (loop := self._loops.get(station.stage.name)) is not None and not loop.is_over:
                return
            if not self.is_cut_short and not self.is_paused:  # of some rows only it would make something else
                self._begin(station)
            return
        is_at_work = station.is_starting or station.is_busy or (station.source is not None and not station.source.is_drained)
        if is_at_work or not station.is_started:
            return
        station.is_done = True
        self._endings.append(asyncio.get_running_loop().create_task(self._end(station)))
        self._pump_soon()

    async def _end(self, station: Station) -> None:
        await self._crew.end(station)
        self._pump_soon()

    # ---- odds and ends
    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background_ended)

    def _background_ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error if isinstance(error, Exception) else RunError(repr(error)))
