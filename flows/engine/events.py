"""What happens in a run, as a stream that anybody can follow: one JSON object a line in `events.jsonl`.

The command line, the browser and the Prefect flow are readers of this one stream; a late reader starts at the top.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from flows.engine.tally import Tally

RunState = Literal["starting", "running", "paused", "finishing", "finished", "stopped", "failed"]
StepState = Literal["waiting", "loading", "running", "done"]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    at: float
    """Unix time, in seconds."""


class RunChanged(_Event):
    """The run entered a state, or waits in it for something outside; `message` says why, where that needs words."""

    type: Literal["run"] = "run"
    state: RunState
    message: str = ""
    paused_at: float | None = None
    """When the pause began that the run is in."""
    paused_s: float = 0.0
    """Seconds that this session has been paused before."""


class StepProgress(BaseModel):
    """Where one step stands. `total` is the number of rows it will take, once that is known."""

    model_config = ConfigDict(frozen=True)

    state: StepState = "waiting"
    taken: int = 0
    made: int = 0
    failed: int = 0
    reused: int = 0
    total: int | None = None
    rows_per_s: float = 0.0
    usage: Tally = Field(default_factory=Tally)
    """Requests of all sessions, with their tokens and money."""


class Progress(_Event):
    """Where all steps stand; at most four a second."""

    type: Literal["progress"] = "progress"
    steps: dict[str, StepProgress]


class RowFailed(_Event):
    """A row went to the quarantine; after the first 100 of a step only the counts tell."""

    type: Literal["row-failed"] = "row-failed"
    step: str
    row: str
    code: str
    message: str


class WorkerChanged(_Event):
    """A worker of a step started, got ready, died or ended. `devices` are its pinned GPUs."""

    type: Literal["worker"] = "worker"
    step: str
    replica: int
    state: Literal["started", "ready", "died", "ended"]
    pid: int | None = None
    devices: list[str] = Field(default_factory=list)


class Logged(_Event):
    """A line for the log."""

    type: Literal["log"] = "log"
    level: Literal["info", "warning", "error"]
    message: str


Event = Annotated[RunChanged | Progress | RowFailed | WorkerChanged | Logged, Field(discriminator="type")]
_adapter: TypeAdapter[Event] = TypeAdapter(Event)


def read_event(line: bytes | str) -> Event:
    """The event that a line of `events.jsonl` holds."""
    return _adapter.validate_json(line)
