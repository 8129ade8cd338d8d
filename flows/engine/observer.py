"""What an engine tells whoever follows it."""

from __future__ import annotations

from typing import Literal

from flows.engine.hosts import Host
from flows.engine.outcome import Failure
from flows.engine.tally import Tally
from steps.llms.base import Completion


class Observer:
    """What the engine reports; override what is of interest."""

    def worker(self, step: str, replica: int, state: Literal["started", "ready", "died", "ended"], host: Host) -> None: ...

    def failed(self, failure: Failure) -> None: ...

    def log(self, level: Literal["info", "warning", "error"], text: str) -> None: ...

    def replied(self, step: str, row: str, model: str, completion: Completion, used: Tally, is_new: bool) -> None:
        """A model answered this process: now, or earlier, for the journal. `model`: its name in `Task.models`."""

    def waits(self, message: str) -> None:
        """The run waits for something outside; empty when it goes on."""
