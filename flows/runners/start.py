"""What an engine is told when it starts. Light, since whoever starts one imports it: the engine itself does the rest."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.engine.options import RunOptions
from steps.cassettes import VARIABLE


@dataclass(frozen=True, slots=True)
class Start:
    """What the engine is told to run: plain data."""

    spec: dict[str, Any]
    folder: str
    options: RunOptions = field(default_factory=RunOptions)
    devices: tuple[str, ...] = ()
    launched_at: float = field(default_factory=time.time)
    cassette: str = field(default_factory=lambda: os.environ.get(VARIABLE, ""))
    """The cassette that is in here: an engine's process may be older."""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "options": self.options.model_dump(mode="json")}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Start:
        return cls(**{**found, "options": RunOptions.model_validate(found["options"])})
