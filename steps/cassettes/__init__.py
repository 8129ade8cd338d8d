"""Requests to model servers, recorded in a file and answered from it: tests need no network, no key and no money.

Every request that a provider's class sends passes here (`steps.llms.http`), so a cassette holds what travelled: refusals,
limits and cut connections as well as replies. Which cassette is in stands in a variable of the environment, so the processes
that a run starts have the same one.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal

from steps.cassettes.exchanges import sorted_lines
from steps.cassettes.playing import NotRecorded, Player
from steps.cassettes.recording import Recorder
from steps.errors import RunError

__all__ = ["VARIABLE", "Mode", "NotRecorded", "cassette", "current", "is_replayed", "passed_by"]

log = logging.getLogger(__name__)
VARIABLE = "DISTILFLOW_CASSETTE"
Mode = Literal["record", "replay"]


@contextmanager
def cassette(path: str | Path, mode: Mode = "replay") -> Iterator[Path]:
    """Record the requests of this block to model servers in a file, or answer them from it.

    It holds for this process, all of its threads, and those that it starts. While recording, the file is written when the block
    ends: an exception leaves the one that was there. While replaying nothing is sent, no key is needed, and a request that was
    not recorded fails as `NotRecorded`.

    Raises:
        RunError: There is no such cassette, or nothing was recorded.
    """
    if mode not in ("record", "replay"):
        raise RunError(
            f"a cassette can record or replay, not {mode!r}", "write cassette(path, 'record') or cassette(path, 'replay')"
        )
    if VARIABLE in os.environ:
        raise RunError("there is a cassette in already", "leave its block before the next one begins")
    target = Path(path).absolute()
    if mode == "replay" and not target.is_file():
        raise RunError(f"there is no cassette {str(path)!r} in {Path.cwd()}", f"record it: {how_to_record(target)}")
    used = target if mode == "replay" else target.with_name(f".{target.name}.{os.getpid()}.part")
    os.environ[VARIABLE] = f"{mode}:{uuid.uuid4().hex}:{used}"
    try:
        current()  # what is wrong with the file is said here
        if mode == "replay":
            log.warning("models are answered for by the cassette %s: nothing is sent, and nothing paid", target)
        yield target
        if mode == "record":
            _keep(used, target)
    finally:
        del os.environ[VARIABLE]
        _opened.cache_clear()
        if used != target:
            used.unlink(missing_ok=True)


def how_to_record(path: Path) -> str:
    """What to do to have a cassette made."""
    return (
        f"`distilflow run PIPELINE --record {path}`, cassette({str(path)!r}, 'record') in Python, "
        f"or pytest --record-cassettes where a test uses distilflow_cassette"
    )


def current() -> Recorder | Player | None:
    """The cassette that is in."""
    told = os.environ.get(VARIABLE)
    return _opened(told) if told else None


def is_replayed() -> bool:
    """Whether requests are answered from a cassette: nothing is sent, and nothing paid."""
    return os.environ.get(VARIABLE, "").startswith("replay:")


def passed_by(who: str, instead: str = "") -> list[tuple[str, str]]:
    """What is wrong, and what to do, where somebody sends by other ways than `steps.llms.http` does while a cassette is in."""
    if VARIABLE not in os.environ:
        return []
    what = f"the requests of {who} pass no cassette: they can be neither recorded nor replayed"
    without = "leave the cassette out here; `distilflow journal` keeps the replies of a run, and `replay` answers from them"
    return [(what, instead or without)]


@lru_cache(maxsize=4)
def _opened(told: str) -> Recorder | Player:
    mode, _, rest = told.partition(":")
    path = Path(rest.partition(":")[2])
    return Recorder(path) if mode == "record" else Player(path, how_to_record(path))


def _keep(part: Path, target: Path) -> None:
    if not part.exists():
        raise RunError(
            f"nothing was recorded for {target}: no request was sent to a model server",
            "what a run's journal holds is not asked for again, and models of this machine send nothing; record a new run",
        )
    part.write_bytes(sorted_lines(part.read_bytes()))
    part.replace(target)
