"""A run is paused by a file in its folder: whoever may write there can, and workers see it without being told.

While it lies there no stage gets rows, no request leaves, and no worker begins another batch. What is under way comes in and is
kept.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

PAUSE = "pause"
LOOK_S = 0.05


def is_paused(folder: Path) -> bool:
    """Whether a run is asked to pause."""
    return os.path.exists(folder / PAUSE)  # noqa: PTH110 - asked for every batch


def let_go(folder: Path) -> None:
    """Ask a run to go on."""
    (folder / PAUSE).unlink(missing_ok=True)


def wait_while_paused(folder: Path) -> None:
    """Wait, in a worker, as long as the run is asked to pause."""
    while is_paused(folder):
        time.sleep(LOOK_S)
