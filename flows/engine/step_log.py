"""What steps and models say through `logging`, passed on to the log of the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Say = Callable[[Literal["info", "warning", "error"], str], None]


@contextmanager
def step_log(say: Say) -> Iterator[None]:
    """Warnings and errors of `steps.*` that are logged on the running event loop go to `say` too.

    Other event loops of this process have runs, or previews, of their own.
    """
    handler = _Passing(say, asyncio.get_running_loop())
    logger = logging.getLogger("steps")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Passing(logging.Handler):
    def __init__(self, say: Say, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another thread
            return
        if loop is self._loop:
            self._say("error" if record.levelno >= logging.ERROR else "warning", record.getMessage())
