"""SIGINT and SIGTERM, which a terminal or Prefect sends to a whole group of processes: one of them decides, the others wait."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

STOPPING = {signal.SIGINT, signal.SIGTERM}


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let them wait. A process that is started meanwhile finds them waiting too, so it cannot die before it knows better."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_through() -> None:
    """Hear what was held back when this process was started."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def leave_to_others() -> None:
    """Go on whatever comes: the engine decides. Programs that are started from here do not inherit this."""
    for number in STOPPING:
        signal.signal(number, _go_on)
    let_through()


def _go_on(number: int, frame: object) -> None:
    """An ignored signal would be inherited by programs that a step starts, and they could not be terminated."""
