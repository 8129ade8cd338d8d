"""How a run looks while it goes on: a bar per step in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Any, Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from flows.cli.console import err
from flows.engine import events
from flows.engine.events import Event, StepProgress
from steps.wording import counted

PLAIN_EVERY_S = 2.0


class Display(Protocol):
    """Shows events; closed when the run is over."""

    def show(self, event: Event) -> None: ...

    def close(self) -> None: ...


def display(steps: list[str]) -> Display:
    """The display that suits where the standard error goes."""
    return Bars(steps) if err.is_terminal else Lines()


class Bars:
    """A bar per step: state, rows, rows a second, money, failures."""

    def __init__(self, steps: list[str]) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[rows]}", justify="right"),
            TextColumn("{task.fields[rate]}", justify="right", style="dim"),
            TextColumn("{task.fields[cost]}", justify="right", style="dim"),
            TextColumn("{task.fields[failed]}", style="yellow"),
            TimeElapsedColumn(),
            console=err,
            transient=False,
        )
        self._tasks: dict[str, TaskID] = {
            step: self._progress.add_task(step, total=None, start=False, rows="waiting", rate="", cost="", failed="")
            for step in steps
        }
        self._steps: dict[str, StepProgress] = {}
        self._progress.start()

    def show(self, event: Event) -> None:
        if isinstance(event, events.Progress):
            for step, progress in event.steps.items():
                if step in self._tasks:
                    self._update(self._tasks[step], progress)
            self._steps = event.steps
        elif isinstance(event, events.RunChanged) and event.state == "stopped":
            for step, progress in self._steps.items():
                if step in self._tasks and progress.state != "done":
                    self._progress.update(self._tasks[step], rows=f"stopped, {_rows(progress, ' of ')}", rate="")
        elif isinstance(event, events.Logged):
            self._progress.console.print(_words(event), markup=False, style="dim" if event.level == "info" else "yellow")

    def _update(self, task: TaskID, progress: StepProgress) -> None:
        if progress.state not in ("waiting", "loading"):
            self._progress.start_task(task)
        done = progress.state == "done"
        total = max(progress.taken, 1) if done else progress.total
        fields: dict[str, Any] = {
            "rows": progress.state if progress.state in ("waiting", "loading") else _rows(progress),
            "rate": f"{progress.rows_per_s:,.0f}/s" if progress.rows_per_s else "",
            "cost": progress.usage.in_money(),
            "failed": f"{progress.failed} failed" if progress.failed else "",
        }
        self._progress.update(task, total=total, completed=total if done and total else progress.taken, **fields)

    def close(self) -> None:
        self._progress.stop()


class Lines:
    """A line when a step ends or is stopped, and one every other second for those at work."""

    def __init__(self) -> None:
        self._ended: set[str] = set()
        self._last = time.monotonic()
        self._steps: dict[str, StepProgress] = {}

    def show(self, event: Event) -> None:
        if isinstance(event, events.Progress):
            is_due = time.monotonic() - self._last >= PLAIN_EVERY_S
            for step, progress in event.steps.items():
                if progress.state == "done" and step not in self._ended:
                    self._ended.add(step)
                    self._print(step, progress)
                elif progress.state == "running" and is_due:
                    self._print(step, progress)
            if is_due:
                self._last = time.monotonic()
            self._steps = event.steps
        elif isinstance(event, events.RunChanged) and event.state == "stopped":
            for step, progress in self._steps.items():
                if progress.state != "done":
                    self._print(step, progress, is_over=True)
        elif isinstance(event, events.Logged):
            err.print(_words(event), markup=False, highlight=False, soft_wrap=True)

    def _print(self, step: str, progress: StepProgress, *, is_over: bool = False) -> None:
        rate = f", {progress.rows_per_s:,.0f} rows/s" if progress.rows_per_s and not is_over else ""
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        cost = f", {money}" if (money := progress.usage.in_money()) else ""
        line = f"{step}: {standing(progress, is_over=is_over)}{rate}{cost}{failed}"
        err.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing to take down."""


def _words(event: events.Logged) -> str:
    return event.message if event.level == "info" else f"{event.level}: {event.message}"


def standing(progress: StepProgress, *, is_over: bool = False) -> str:
    """How a step stands in words; where the run is over, a step that is not done was stopped."""
    if progress.state == "done":
        return f"done, {_rows(progress)}"
    return f"stopped, {_rows(progress, ' of ')}" if is_over else f"{progress.state}, {_rows(progress)}"


def _rows(progress: StepProgress, of: str = "/") -> str:
    """The rows made so far; of how many, where that is known; and what they were made from, where those are others."""
    if progress.total is None or progress.state == "done":
        return counted(progress.made, "row")
    seen = f"{progress.taken:,}{of}{progress.total:,}"
    if progress.made != progress.taken:
        return f"{counted(progress.made, 'row')} from {seen}"
    return f"{seen} {'row' if progress.total == 1 else 'rows'}"
