"""Where models that this machine computes write what their libraries and servers say."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from steps.cassettes.scrubbing import Scrubber
from steps.secrets import secrets_here

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
    folder = _folder or Path(tempfile.gettempdir()) / f"distilflow-logs-{os.getuid()}"  # others cannot write to that of one
    folder.mkdir(mode=0o700 if _folder is None else 0o777, parents=True, exist_ok=True)
    return folder / f"{log_name(name, os.getpid())}.log"


def log_name(model: str, number: int) -> str:
    """What a log is called: the last part of the model's name, and a number that tells it from others."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", model.rstrip("/").rpartition("/")[2]).strip("-.")[:80]
    return f"{short or 'model'}-{number}"


def tail(path: Path, start: int = 0) -> str:
    """The last lines of a log, from `start` on, without keys: programs like to write down what they were given."""
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            begins = max(start if start <= size else 0, size - TAIL_BYTES)
            stream.seek(begins)
            said = stream.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    if begins > start and "\n" in said:
        said = said.partition("\n")[2]  # half a line may hold half a key
    scrubber = Scrubber.of_refusal(tuple(secrets_here()))
    return "\n".join(map(scrubber.text, said.splitlines()))
