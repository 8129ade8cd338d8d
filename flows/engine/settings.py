"""How an engine runs a plan, beside what the run was asked for."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.live import NEWEST
from flows.engine.options import RunOptions


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. `in_threads`: everything in this process, for previews. `session` names this start's files."""

    folder: Path
    options: RunOptions = field(default_factory=RunOptions)
    in_threads: bool = False
    newest: int = NEWEST
    journal: Path | None = None
    """Journal that several share, and that counts for none of them; None for the run's own."""
    session: str = field(default_factory=lambda: f"{time.time_ns():x}-{os.getpid()}")
