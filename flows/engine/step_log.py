"""What steps and models say through `logging`, passed on to the log of the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from flows.engine.outcome import printable

Say = Callable[[Literal["info", "warning", "error"], str], None]


@contextmanager
def step_log(say: Say) -> Iterator[None]:
    """Warnings and errors of `steps.*` that are logged on the running event loop go to `say` too.

    Other event loops of this process have runs, or previews, of their own. Where no event loop is running, as in a worker with
    a chain of steps, the process works for nobody else: all of it goes to `say`, from whichever thread.
    """
    handler = _Passing(say, _running_loop())
    logger = logging.getLogger("steps")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Passing(logging.Handler):
    def __init__(self, say: Say, loop: asyncio.AbstractEventLoop | None) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        if self._loop is None or _running_loop() is self._loop:
            try:
                text = printable(record.getMessage())
            except Exception:  # its arguments do not fit its text: no row fails for that
                self.handleError(record)
            else:
                self._say("error" if record.levelno >= logging.ERROR else "warning", text)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, if one is running."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
