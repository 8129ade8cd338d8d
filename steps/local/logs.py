"""Where models that this machine computes write what their libraries and servers say."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

LOGS = "logs"
"""Folder of a run with them, by model."""
TAIL_BYTES = 1 << 14

_folder: Path | None = None


def keep_in(folder: Path) -> None:
    """From now on logs of this process go there."""
    global _folder
    _folder = folder


def log_path(name: str) -> Path:
    """Where the log of a model or server of this name goes. Outside of a run: a folder of the system for such files."""
    folder = _folder or Path(tempfile.gettempdir()) / "distilflow-logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{log_name(name, os.getpid())}.log"


def log_name(model: str, number: int) -> str:
    """What a log is called: the last part of the model's name, and a number that tells it from others."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", model.rstrip("/").rpartition("/")[2]).strip("-.")[:80]
    return f"{short or 'model'}-{number}"


def tail(path: Path) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
