"""Writes down what happens in a run: events for programs, the log for people, the report for whoever comes later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from flows.engine.engine import Engine
from flows.engine.events import Event, Logged, Progress, RowFailed, RunChanged, RunState, StepProgress, StepState, WorkerChanged
from flows.engine.hosts import Host
from flows.engine.observer import Observer
from flows.engine.outcome import Failure
from flows.engine.quarantine import appended
from flows.runs import RunFolder, RunReport
from steps.errors import RunError

SNAPSHOT_S, LONGEST_SNAPSHOT_S = 0.25, 5.0
SNAPSHOT_SHARE = 1 / 600
"""Of a run's age passes between two snapshots, within these bounds: so a day of them is 25 MB for five steps, not 500."""
FAILURES_SHOWN = 100
RATE_WINDOW_S = 5.0


class Recorder(Observer):
    """Follows an engine. `on_event` gets every event as it is written."""

    def __init__(self, folder: RunFolder, report: RunReport, on_event: Callable[[Event], None] = lambda event: None) -> None:
        self.folder = folder
        self.report = report
        self._on_event = on_event
        self._events = appended(folder.events)
        self._log = folder.log.open("a", encoding="utf-8")
        self._shown: dict[str, int] = {}
        self._workers: dict[str, StepState] = {}
        self._history: dict[str, list[tuple[float, int]]] = {}
        self._last: dict[str, StepProgress] = {}
        self._short: set[str] = set()
        """Steps that have not seen all their rows, in a run that was cut short."""

    # ---- what the engine tells
    def worker(self, step: str, replica: int, state: Literal["started", "ready", "died", "ended"], host: Host) -> None:
        devices = host.devices
        self._emit(WorkerChanged(at=time.time(), step=step, replica=replica, state=state, pid=host.pid, devices=devices))
        states: dict[str, StepState] = {"started": "loading", "ready": "running", "died": "loading", "ended": "done"}
        self._workers[step] = states[state]

    def failed(self, failure: Failure) -> None:
        self._shown[failure.step] = shown = self._shown.get(failure.step, 0) + 1
        if shown > FAILURES_SHOWN:
            return
        message = failure.message[:500]
        self._emit(RowFailed(at=time.time(), step=failure.step, row=failure.id, code=failure.code, message=message))
        self._write_log("warning", f"row {failure.id} failed in {failure.step!r}: [{failure.code}] {message}")
        if shown == FAILURES_SHOWN:
            self._write_log("warning", f"more failures in {failure.step!r} are counted, not listed; see quarantine.jsonl")

    def log(self, level: Literal["info", "warning", "error"], text: str) -> None:
        self._emit(Logged(at=time.time(), level=level, message=text))
        self._write_log(level, text)

    def waits(self, message: str) -> None:
        self.report.message = message
        self.folder.save_report(self.report)
        self._emit_state()

    # ---- what the session tells
    def enter(self, state: RunState, message: str = "") -> None:
        """The run enters a state."""
        now, report = time.time(), self.report
        report.state, report.message = state, message
        if report.paused_at is not None:
            report.paused_s += now - report.paused_at
        report.paused_at = now if state == "paused" else None
        if state in ("finished", "stopped", "failed"):
            report.ended_at = now
        self.folder.save_report(report)
        self._emit_state()
        self._write_log("error" if state == "failed" else "info", f"run {state}{': ' if message else ''}{message}")

    async def watch(self, engine: Engine, launched_at: float) -> None:
        """Write snapshots, and pass on what is asked of the run, until cancelled."""
        due = 0.0
        while True:
            try:
                self._obey(engine, launched_at)
                if time.monotonic() >= due:
                    self.snapshot(engine)
                    age_s = time.time() - self.report.started_at
                    due = time.monotonic() + min(LONGEST_SNAPSHOT_S, max(SNAPSHOT_S, age_s * SNAPSHOT_SHARE))
            except OSError as error:
                engine.fail(RunError(f"the run's folder cannot be written: {error.strerror}", "make room"))
                return
            except Exception as error:  # a listener of ours broke: nobody would look for the stop file any more
                engine.fail(RunError(f"the run cannot be followed: {type(error).__name__}: {error}"))
                return
            await asyncio.sleep(SNAPSHOT_S)

    def _obey(self, engine: Engine, launched_at: float) -> None:
        """Do what somebody asked for by a file in the run's folder."""
        if self.folder.is_asked_to_stop(launched_at):
            engine.stop()
        if self.folder.is_asked_to_pause():
            engine.pause()
        else:
            engine.go_on()
        if engine.is_paused != (self.report.state == "paused") and self.report.state in ("running", "paused"):
            if engine.is_paused:
                self.snapshot(engine)
            self.enter("paused" if engine.is_paused else "running", self.report.message)

    def snapshot(self, engine: Engine) -> None:
        """Write where all steps stand, if that changed."""
        self._short.clear()
        steps = {name: self._progress(engine, name) for name in engine.plan.steps}
        if steps != self._last:
            self._last = steps
            self.report.steps = steps
            self.report.usage = engine.used
            self._emit(Progress(at=time.time(), steps=steps))

    def close(self) -> None:
        self._events.close()
        self._log.close()

    def _progress(self, engine: Engine, name: str) -> StepProgress:
        counts = engine.counts[name]
        station = engine.station_of[name]
        upstream = engine.plan.steps[name].after
        ended = [before for before in upstream if self._has_ended(engine, before)]
        total = max(engine.counts[before].made for before in ended) if upstream and len(ended) == len(upstream) else None
        is_whole = station.is_done and len(ended) == len(upstream) and counts.taken >= (total or 0)
        if engine.is_cut_short and not is_whole:
            self._short.add(name)
        state: StepState = "done" if station.is_done else self._workers.get(station.stage.name, "waiting")
        if state == "done" and name in self._short:
            state = "running"
        if state == "running" and not counts.taken:
            state = "waiting"
        return StepProgress(
            state=state,
            taken=counts.taken,
            made=counts.made,
            failed=counts.failed,
            reused=counts.reused,
            total=total,
            rows_per_s=0.0 if state == "done" else self._rate(name, counts.made),
            usage=replace(counts.usage),
        )

    def _has_ended(self, engine: Engine, name: str) -> bool:
        """Whether a step makes no more rows, and has made all that there are."""
        station = engine.station_of[name]
        return (station.is_done or station.is_drained) and name not in self._short

    def _rate(self, step: str, made: int) -> float:
        now = time.monotonic()
        history = self._history.setdefault(step, [])
        history.append((now, made))
        while len(history) > 2 and now - history[0][0] > RATE_WINDOW_S:
            history.pop(0)
        seconds = now - history[0][0]
        return round((made - history[0][1]) / seconds, 1) if seconds > 0 else 0.0

    def _emit_state(self) -> None:
        told = self.report.model_dump(include={"state", "message", "paused_at", "paused_s"})
        self._emit(RunChanged(at=time.time(), **told))

    def _emit(self, event: Event) -> None:
        self._events.write(event.model_dump_json().encode() + b"\n")
        self._events.flush()
        self._on_event(event)

    def _write_log(self, level: str, text: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        self._log.write(f"{stamp} {level:<7} {text}\n")
        self._log.flush()
